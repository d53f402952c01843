package dev.graft.nn;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.util.Arrays;
import java.util.function.IntFunction;

/// Cosines and sines of the rotary embedding, computed in float32 as Transformers does.
public final class RopeTable {
    private final IntFunction<float[]> inverseFrequencies;
    private final double attentionFactor;
    private final boolean neighbours;

    /// @param inverseFrequencies D/2 angles per position, in radians
    /// @param attentionFactor multiplies cosine and sine (yarn, longrope); 1 as a rule
    public RopeTable(float[] inverseFrequencies, double attentionFactor) {
        this(_ -> inverseFrequencies, attentionFactor, false);
    }

    /// Frequencies that depend on how long the longest sequence of a pass is.
    ///
    /// @param inverseFrequencies for a length in tokens
    /// @param neighbours whether pairs are (2i, 2i + 1) rather than (i, i + R/2)
    public RopeTable(
            IntFunction<float[]> inverseFrequencies, double attentionFactor, boolean neighbours) {
        this.inverseFrequencies = inverseFrequencies;
        this.attentionFactor = attentionFactor;
        this.neighbours = neighbours;
    }

    /// Whether passes of these two lengths turn a head alike, so that what was turned in one can be
    /// used in the other.
    public boolean isSame(int length, int other) {
        return Arrays.equals(inverseFrequencies.apply(length), inverseFrequencies.apply(other));
    }

    /// The tables of the tokens of a pass, never in 16 bits.
    ///
    /// @param cos [T, D/2]
    /// @param sin [T, D/2]
    public record Angles(Tensor cos, Tensor sin, boolean neighbours) {}

    public Angles at(int[] positions, DType dtype) {
        int length = Arrays.stream(positions).max().orElse(0) + 1;
        float[] frequencies = inverseFrequencies.apply(length);
        int half = frequencies.length;
        float[] cos = new float[positions.length * half];
        float[] sin = new float[positions.length * half];
        for (int t = 0; t < positions.length; t++) {
            for (int i = 0; i < half; i++) {
                float angle = positions[t] * frequencies[i];
                cos[t * half + i] = (float) (Math.cos(angle) * attentionFactor);
                sin[t * half + i] = (float) (Math.sin(angle) * attentionFactor);
            }
        }
        Tensor c = Tensor.of(cos, positions.length, half);
        Tensor s = Tensor.of(sin, positions.length, half);
        DType sums = dtype.sums();
        return sums == DType.F32
                ? new Angles(c, s, neighbours)
                : new Angles(c.to(sums), s.to(sums), neighbours);
    }
}
