package dev.graft.kernel;

import dev.graft.kernel.Kernels.AdamWStep;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// AdamW on a card: one launch for all parameters, which are named to it by a table of their
/// addresses (`Part` of `adamw.cu`).
final class CudaAdamW {
    /// Numbers of a block of threads, and of a block of codes.
    private static final int BLOCK = BlockwiseCodes.BLOCK;

    private final CudaLauncher launcher;

    CudaAdamW(CudaLauncher launcher) {
        this.launcher = launcher;
    }

    void addSquares(List<Tensor> tensors, Tensor sum) {
        try (var _ = Scope.open("squares", sum.device())) {
            var table = new Table();
            tensors.forEach(t -> table.add(t.numel(), null, t, null, null, null, null));
            Tensor sums = Tensor.empty(DType.F32, table.blocks);
            launcher.launch("squares", table.blocks, BLOCK, table.sent(), table.size(), sums);
            sum.addInPlace(sums.to(DType.F64).sum());
        }
    }

    void step(List<AdamWPart> parts, AdamWStep step) {
        Device device = parts.getFirst().p().device();
        try (var _ = Scope.open("AdamW", device)) {
            var table = new Table();
            parts.forEach(table::add);
            switch (parts.getFirst()) {
                case AdamWPart.Plain _ -> plain(table, step);
                case AdamWPart.Coded c -> coded(table, c.m().book(), c.v().book(), step);
            }
        }
    }

    private void plain(Table table, AdamWStep step) {
        launch(
                "adamw",
                table,
                List.of(),
                step,
                (float) (step.learningRate() / step.correction1()),
                (float) (1 / Math.sqrt(step.correction2())),
                (float) step.epsilon());
    }

    private void coded(Table table, CodeBook m, CodeBook v, AdamWStep step) {
        double root = Math.sqrt(step.correction2());
        launch(
                "adamw_8bit",
                table,
                List.of(books(m, v)),
                step,
                (float) (step.learningRate() / step.correction1() * root),
                (float) (step.epsilon() * root),
                m.nearest(0));
    }

    private void launch(
            String kernel, Table table, List<Object> first, AdamWStep step, Object... last) {
        List<Object> arguments = new ArrayList<>(List.of(table.sent(), table.size()));
        arguments.addAll(first);
        arguments.addAll(
                List.of(
                        (float) step.gradScale(),
                        (float) (1 - step.learningRate() * step.weightDecay()),
                        (float) step.beta1(),
                        (float) (1 - step.beta1()),
                        (float) step.beta2(),
                        (float) (1 - step.beta2())));
        arguments.addAll(List.of(last));
        launcher.launch(kernel, table.blocks, BLOCK, arguments.toArray());
    }

    /// Values and midpoints of one, then of the other.
    private static Tensor books(CodeBook... books) {
        int codes = books[0].values().length;
        float[] all = new float[books.length * 2 * codes];
        int at = 0;
        for (CodeBook book : books) {
            System.arraycopy(book.values(), 0, all, at, codes);
            System.arraycopy(book.midpoints(), 0, all, at + codes, codes - 1);
            at += 2 * codes;
        }
        return Tensor.of(all);
    }

    /// Addresses and places of parameters.
    private static final class Table {
        private final List<Long> words = new ArrayList<>();
        private int parts;
        private long blocks;

        void add(AdamWPart part) {
            long count = part.p().numel();
            switch (part) {
                case AdamWPart.Plain(var p, var g, var m, var v) ->
                        add(count, p, g, m, v, null, null);
                case AdamWPart.Coded(var p, var g, var m, var v) ->
                        add(count, p, g, m.codes(), v.codes(), m.absmax(), v.absmax());
            }
        }

        /// @param tensors in the order of `Part`, each contiguous
        void add(long count, Tensor... tensors) {
            for (Tensor t : tensors) {
                words.add(t == null ? 0 : t.address());
            }
            words.add(blocks);
            words.add(count);
            blocks += Math.ceilDiv(count, BLOCK);
            parts++;
        }

        Tensor sent() {
            return Tensor.of(words.stream().mapToLong(Long::longValue).toArray());
        }

        int size() {
            return parts;
        }
    }
}
