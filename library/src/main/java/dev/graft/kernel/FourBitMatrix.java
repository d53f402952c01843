package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Four-bit codes in blocks of the flattened matrix: value = table(code) · maximum of its block
/// (Dettmers et al. 2023). Element 2i stands in the high half of byte i, element 2i + 1 in the
/// low half.
///
/// @param codes U8, ⌈out · in / 2⌉ elements
/// @param maxima one number a block
/// @param table F32 [16], the values of the codes
/// @param blockSize elements a block; a block may cross rows, the last may be short
public record FourBitMatrix(
        Tensor codes, BlockMaxima maxima, Tensor table, int blockSize, long out, long in)
        implements QuantizedMatrix {
    public FourBitMatrix {
        long n = out * in;
        if (codes.dtype() != DType.U8 || codes.numel() != (n + 1) / 2) {
            throw new IllegalArgumentException(
                    "codes of [%d, %d]: found %s".formatted(out, in, codes.describe()));
        }
        if (maxima.blocks() != Math.ceilDiv(n, blockSize)) {
            throw new IllegalArgumentException(
                    "block maxima of [%d, %d] in blocks of %d: found %d"
                            .formatted(out, in, blockSize, maxima.blocks()));
        }
        if (table.dtype() != DType.F32 || table.numel() != 16) {
            throw new IllegalArgumentException("table of codes: found " + table.describe());
        }
    }
}
