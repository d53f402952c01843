package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Numbers as 8-bit codes in blocks of 256: a number is the value of its code times
/// the maximum of its block.
///
/// @param codes uint8, one a number
/// @param absmax float32, the largest magnitude of each block; the last block may be short
public record BlockwiseCodes(Tensor codes, Tensor absmax, CodeBook book) {
    /// Numbers that share one maximum.
    public static final int BLOCK = 256;

    /// Checks types and counts.
    public BlockwiseCodes {
        if (codes.dtype() != DType.U8
                || absmax.dtype() != DType.F32
                || absmax.numel() != blocks(codes.numel())) {
            throw new IllegalArgumentException(
                    "blockwise codes: found %s with maxima %s, expected U8 with F32 of %,d"
                            .formatted(codes.describe(), absmax.describe(), blocks(codes.numel())));
        }
    }

    /// Blocks of so many numbers.
    public static long blocks(long count) {
        return Math.ceilDiv(count, BLOCK);
    }
}
