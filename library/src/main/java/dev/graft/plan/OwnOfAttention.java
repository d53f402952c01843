package dev.graft.plan;

import dev.graft.model.ModelConfig;
import dev.graft.tensor.DType;
import dev.graft.tensor.FlashAttention;

/// What attention makes for itself on a card while it runs, in numbers of the computation; nothing
/// on a processor, where [Scratch] has what it needs.
record OwnOfAttention(long forward, long backward) {
    private static final long FLASH_ROWS = 128; // that its kernels pad each sequence by
    private static final long FLASH_WIDTHS = 32; // that they pad the widths of heads to

    static OwnOfAttention of(ModelConfig config, BatchShape batch, Computation computation) {
        if (!computation.card()) {
            return new OwnOfAttention(0, 0);
        }
        long number = computation.numberBytes();
        boolean flashes = flashes(config, computation);
        long forward =
                flashes
                        ? flashForward(config, batch, number)
                        : plainForward(config, batch.longest());
        long backward =
                flashes
                        ? flashBackward(config, batch, number)
                        : plainBackward(config, batch.longest(), number);
        return new OwnOfAttention(Math.ceilDiv(forward, number), Math.ceilDiv(backward, number));
    }

    /// FlashAttention knows no soft caps. Float16 is planned as on cards before Ampere, which have
    /// none; with it newer ones take less.
    private static boolean flashes(ModelConfig config, Computation computation) {
        var shape = config.attention();
        return computation.type() == DType.BF16
                && shape.softCap() == 0
                && FlashAttention.takes(DType.BF16, shape.headWidth());
    }

    /// Its result and the log-sums.
    private static long flashForward(ModelConfig config, BatchShape batch, long numberBytes) {
        var shape = config.attention();
        return batch.tokens()
                * shape.heads()
                * (shape.headWidth() * numberBytes + DType.F32.bytes());
    }

    /// Its gradients, those of keys and values for each query head where heads share them, and in
    /// float32 that of the queries once more, of padded widths, and a number for each query.
    private static long flashBackward(ModelConfig config, BatchShape batch, long numberBytes) {
        var shape = config.attention();
        long queries = (long) shape.heads() * shape.headWidth();
        long keys = (long) shape.keyHeads() * shape.headWidth();
        boolean shared = shape.heads() != shape.keyHeads();
        long perToken = (queries + 2 * keys + (shared ? 2 * queries : 0)) * numberBytes;
        long padded = batch.tokens() + FLASH_ROWS * batch.sequences();
        long width = Math.ceilDiv(shape.headWidth(), FLASH_WIDTHS) * FLASH_WIDTHS;
        return batch.tokens() * perToken + padded * shape.heads() * (width + 1) * DType.F32.bytes();
    }

    /// Of plain products, for the longest sequence and the query heads that share a key head, all
    /// in float32: scores, queries, keys, values and the result.
    private static long plainForward(ModelConfig config, long longest) {
        var shape = config.attention();
        long group = shape.heads() / shape.keyHeads();
        long numbers = group * longest * longest + 2 * (group + 1) * longest * shape.headWidth();
        return numbers * DType.F32.bytes();
    }

    /// The same: scores and their gradients, and beside them queries, keys, values and the rest;
    /// two of the size of the queries as they come.
    private static long plainBackward(ModelConfig config, long longest, long numberBytes) {
        var shape = config.attention();
        long group = shape.heads() / shape.keyHeads();
        long queries = group * longest * shape.headWidth();
        long keys = longest * shape.headWidth();
        long numbers = 2 * group * longest * longest + 4 * (queries + keys);
        return numbers * DType.F32.bytes() + 2 * queries * numberBytes;
    }
}
