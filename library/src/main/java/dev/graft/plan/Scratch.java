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
import dev.graft.tensor.Threads;

/// The buffers that are kept from step to step: those of the attention's blocks, and the panel that
/// a frozen matrix is widened into.
final class Scratch {
    private static final long PANEL_ROWS = 16;

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
