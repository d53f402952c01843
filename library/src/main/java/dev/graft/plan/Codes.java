package dev.graft.plan;

import dev.graft.model.ModelLayout.Matrix;
import dev.graft.quant.Quantization;

/// Bytes of matrices in codes, in the layout of bitsandbytes.
final class Codes {
    private static final int NESTED_BLOCK = 256;

    private Codes() {}

    /// ⌈n/2⌉ for four bits, n for eight.
    static long codes(Quantization how, Matrix matrix) {
        long n = matrix.elements();
        return switch (how) {
            case Quantization.FourBit _ -> Math.ceilDiv(n, 2);
            case Quantization.Int8() -> n;
        };
    }

    /// The block maxima: 4⌈n/b⌉, or ⌈n/b⌉ + 4⌈⌈n/b⌉/256⌉ + 4 where they are quantized themselves;
    /// 4 a row for eight bits.
    static long scales(Quantization how, Matrix matrix) {
        return switch (how) {
            case Quantization.FourBit four -> {
                long blocks = Math.ceilDiv(matrix.elements(), four.blockSize());
                yield four.doubleQuant()
                        ? blocks + 4 * Math.ceilDiv(blocks, NESTED_BLOCK) + 4
                        : 4 * blocks;
            }
            case Quantization.Int8() -> 4 * matrix.out();
        };
    }

    /// The values of the codes, which every matrix has of its own.
    static long tables(Quantization how) {
        return switch (how) {
            case Quantization.FourBit four -> 4 * 16 + (four.doubleQuant() ? 4 * 256 : 0);
            case Quantization.Int8() -> 0;
        };
    }
}
