package dev.graft.plan;

import dev.graft.kernel.AttentionRule;
import dev.graft.kernel.AttentionScratch;
import dev.graft.model.BaseResidency;
import dev.graft.model.LayerKind;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.HalfProduct;
import dev.graft.tensor.DType;
import dev.graft.tensor.FlashAttention;
import dev.graft.tensor.Threads;

/// The buffers that are kept from step to step: those of the attention's blocks, and the panel that
/// a frozen matrix is widened into; and what attention takes on a card while it runs.
final class Scratch {
    private static final long PANEL_ROWS = 16;
    private static final long FLASH_ROWS = 128; // that its kernels pad each sequence by
    private static final long FLASH_WIDTHS = 32; // that they pad the widths of heads to

    private Scratch() {}

    /// The buffers of the attention, of each thread: scores of a block, their gradients, and with a
    /// soft cap its slopes; as large as the largest block of any layer.
    static long attention(ModelConfig config, long longest, long numberBytes) {
        var shape = config.attention();
        long most = 0;
        for (LayerKind kind : config.kinds()) {
            var rule = new AttentionRule(shape.scale(), shape.softCap(), kind.window());
            int group = shape.heads() / shape.keyHeads();
            var buffers = new AttentionScratch(rule, group, shape.headWidth());
            long numbers = 1;
            for (long d : buffers.shape(longest, 0, true, Threads.wanted())) {
                numbers *= d;
            }
            most = Math.max(most, numbers);
        }
        return most * numberBytes;
    }

    /// The panel of rows that frozen matrices of another type and codes are expanded into.
    static long panel(
            ModelLayout model, TrainedTensors trained, BaseStorage base, long numberBytes) {
        return model.linears().stream()
                .filter(m -> !trained.whole().contains(m.path()))
                .filter(m -> base.quantizes(m) || base.widens(numberBytes))
                .mapToLong(m -> panel(m, numberBytes))
                .max()
                .orElse(0);
    }

    // ---- what attention makes for itself on a card while it runs; 0 on a processor ----

    static long attentionForward(ModelConfig config, BatchShape batch, Computation computation) {
        if (!computation.card()) {
            return 0;
        }
        long numberBytes = computation.type().bytes();
        return flashes(config, computation)
                ? flashForward(config, batch, numberBytes)
                : plainForward(config, batch.longest());
    }

    static long attentionBackward(ModelConfig config, BatchShape batch, Computation computation) {
        if (!computation.card()) {
            return 0;
        }
        long numberBytes = computation.type().bytes();
        return flashes(config, computation)
                ? flashBackward(config, batch, numberBytes)
                : plainBackward(config, batch.longest(), numberBytes);
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

    /// The panel of a card, which takes most matrices whole. Experts in the host's memory need one
    /// whatever their type.
    static long panelOnCard(
            ModelLayout model, TrainedTensors trained, BaseStorage base, long numberBytes) {
        return model.linears().stream()
                .filter(m -> !trained.whole().contains(m.path()))
                .filter(
                        m ->
                                base.quantizes(m)
                                        || base.stored().bytes() < numberBytes
                                        || (base.residency() == BaseResidency.STREAMED
                                                && model.config().mlp().experts() != null))
                .mapToLong(
                        m ->
                                Math.min(
                                        FrozenWeight.PANEL_BYTES_OF_A_CARD,
                                        m.elements() * numberBytes))
                .max()
                .orElse(0);
    }

    /// A matrix that is trained itself, rounded to 16 bits for a product of a card, or what is
    /// added to its gradient.
    static long rounded(ModelLayout model, TrainedTensors trained, long numberBytes) {
        if (numberBytes == DType.F32.bytes()) {
            return 0;
        }
        return model.linears().stream()
                .filter(m -> trained.whole().contains(m.path()))
                .mapToLong(m -> m.elements() * numberBytes)
                .max()
                .orElse(0);
    }

    /// Factors, results and panels of products in bfloat16.
    ///
    /// @param tokens of a micro-batch
    /// @param lossRows those of them that the head sees at a time
    static long halves(
            ModelLayout model,
            TrainedTensors trained,
            BaseStorage base,
            long tokens,
            long lossRows) {
        if (base.products() != DType.BF16) {
            return 0;
        }
        long factor = 0;
        long panel = 0;
        for (Matrix m : model.linears()) {
            if (trained.whole().contains(m.path())) {
                continue;
            }
            boolean head = m.out() == model.config().vocabulary();
            long t = head ? lossRows : tokens;
            boolean asStored = !base.quantizes(m) && base.stored() == DType.BF16;
            long rows = HalfProduct.panelRows(t, m.in(), m.out(), asStored);
            factor = Math.max(factor, t * Math.max(m.in(), rows));
            panel = Math.max(panel, asStored ? 0 : rows * m.in());
        }
        return (2 * factor + panel) * DType.BF16.bytes();
    }

    private static long panel(Matrix m, long numberBytes) {
        long rows = Math.max(PANEL_ROWS, FrozenWeight.PANEL_BYTES / (m.in() * numberBytes));
        return Math.min(rows, m.out()) * m.in() * numberBytes;
    }
}
