package dev.graft.quant;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Blockwise quantization to 8 bits by a table, as `quantize_blockwise` of bitsandbytes rounds.
final class Blockwise8 {
    private static final double LEAST = 1e-38;

    private Blockwise8() {}

    /// Writes the index of the nearest table value to x / greatest |x| of the block; makes
    /// temporaries in the current scope.
    ///
    /// @param values F32, n elements
    /// @param table 256 rising values
    /// @param codes U8, n elements, written
    /// @param maxima F32, ⌈n/size⌉ elements, written
    static void quantize(Tensor values, float[] table, int size, Tensor codes, Tensor maxima) {
        float[] bounds = new float[table.length - 1];
        for (int i = 0; i < bounds.length; i++) {
            bounds[i] = (table[i] + table[i + 1]) / 2;
        }
        Tensor thresholds = Tensor.of(bounds);
        long n = values.numel();
        long blocks = n / size;
        long full = blocks * size;
        if (blocks > 0) {
            Tensor whole = values.narrow(0, 0, full).view(blocks, size);
            Tensor greatest = whole.abs().max(1); // [blocks]
            maxima.narrow(0, 0, blocks).copyInPlace(greatest);
            Tensor factor = Tensor.full(DType.F32, 1, blocks).div(atLeast(greatest));
            Tensor scaled = whole.mul(factor.view(blocks, 1)).view(-1).clamp(-1, 1);
            codes.narrow(0, 0, full).copyInPlace(scaled.bucketize(thresholds));
        }
        if (n > full) {
            Tensor rest = values.narrow(0, full, n - full);
            Tensor greatest = atLeast(rest.abs().max().view(1));
            maxima.narrow(0, blocks, 1).copyInPlace(greatest);
            Tensor scaled = rest.div(greatest).clamp(-1, 1);
            codes.narrow(0, full, n - full).copyInPlace(scaled.bucketize(thresholds));
        }
    }

    private static Tensor atLeast(Tensor greatest) {
        return greatest.clamp(LEAST, Double.POSITIVE_INFINITY);
    }
}
