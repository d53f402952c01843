package dev.graft.nn;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Cosines and sines of the rotary embedding, computed in float32 as Transformers does.
public final class RopeTable {
    private final float[] inverseFrequencies;
    private final double attentionFactor;

    /// @param inverseFrequencies D/2 angles per position, in radians
    /// @param attentionFactor multiplies cosine and sine (yarn, longrope); 1 as a rule
    public RopeTable(float[] inverseFrequencies, double attentionFactor) {
        this.inverseFrequencies = inverseFrequencies.clone();
        this.attentionFactor = attentionFactor;
    }

    /// The tables of the tokens of a pass.
    ///
    /// @param cos [T, D/2]
    /// @param sin [T, D/2]
    public record Angles(Tensor cos, Tensor sin) {}

    public Angles at(int[] positions, DType dtype) {
        int half = inverseFrequencies.length;
        float[] cos = new float[positions.length * half];
        float[] sin = new float[positions.length * half];
        for (int t = 0; t < positions.length; t++) {
            for (int i = 0; i < half; i++) {
                float angle = positions[t] * inverseFrequencies[i];
                cos[t * half + i] = (float) (Math.cos(angle) * attentionFactor);
                sin[t * half + i] = (float) (Math.sin(angle) * attentionFactor);
            }
        }
        Tensor c = Tensor.of(cos, positions.length, half);
        Tensor s = Tensor.of(sin, positions.length, half);
        return dtype == DType.F32 ? new Angles(c, s) : new Angles(c.to(dtype), s.to(dtype));
    }
}
