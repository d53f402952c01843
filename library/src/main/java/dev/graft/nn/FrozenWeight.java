package dev.graft.nn;

import static dev.graft.kernel.Factor.plain;
import static dev.graft.kernel.Factor.transposed;

import dev.graft.kernel.Kernels;
import dev.graft.profile.Profile;
import dev.graft.quant.QuantizedTensor;
import dev.graft.tensor.DType;
import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.function.BiConsumer;

/// A weight that is never trained: it answers x·Wᵀ and dy·W, and its gradient is never wanted.
///
/// Where it is not stored in the type of the computation, panels of its rows are expanded into a
/// reused buffer and multiplied there; the whole is never made.
public sealed interface FrozenWeight extends Weight
        permits FrozenWeight.Dense, FrozenWeight.Quantized {
    /// A panel stays in the processor's cache between its expansion and its product.
    long PANEL_BYTES = 4 << 20;

    /// A card multiplies faster the more rows there are.
    long PANEL_BYTES_OF_A_CARD = 256 << 20;

    /// Rows of x that are multiplied one by one, straight from numbers of 16 bits: the next tokens
    /// of a few texts. Beyond, one expansion for all of them takes less time.
    int FEW_FOR_HALVES = 4;

    /// The same straight from codes, whose expansion takes longer.
    int FEW_FOR_CODES = 8;

    /// The type of the products.
    DType compute();

    /// Writes rows from `row` on into a panel of the type of the computation. [R, in]
    void expand(long row, Tensor panel);

    @Override
    default void product(Tensor x, Tensor y, Workspace workspace) {
        if (workspace.halves(x)) {
            HalfProduct.product(this, x, y, workspace);
            return;
        }
        long step = panelRows(x);
        for (long row = 0; row < out(); row += step) {
            Tensor panel = panel(row, Math.min(step, out() - row), workspace);
            Tensor part = y.narrow(1, row, panel.size(0)); // [T, R]
            Kernels.of(x).multiply(1, plain(x), transposed(panel), 0, part);
        }
    }

    @Override
    default void productTransposed(Tensor dy, Tensor dx, boolean add, Workspace workspace) {
        if (workspace.halves(dy)) {
            HalfProduct.productTransposed(this, dy, dx, add, workspace);
            return;
        }
        long step = panelRows(dy);
        for (long row = 0; row < out(); row += step) {
            Tensor panel = panel(row, Math.min(step, out() - row), workspace);
            Tensor part = dy.narrow(1, row, panel.size(0)); // [T, R]
            Kernels.of(dy).multiply(1, plain(part), plain(panel), add || row > 0 ? 1 : 0, dx);
        }
    }

    /// Rows of a panel of the type of the computation, on a processor.
    default long panelRows() {
        return panelRows(PANEL_BYTES);
    }

    private long panelRows(Tensor x) {
        return panelRows(x.onCpu() ? PANEL_BYTES : PANEL_BYTES_OF_A_CARD);
    }

    private long panelRows(long bytes) {
        return Math.max(16, bytes / (in() * compute().bytes()));
    }

    /// Whether there is a kernel for single rows; the plain one expands the whole matrix each time.
    private static boolean isFloatOnCpu(Tensor x) {
        return x.dtype() == DType.F32 && x.onCpu();
    }

    private static void eachRow(Tensor x, Tensor y, BiConsumer<Tensor, Tensor> product) {
        if (x.size(0) == 1) {
            product.accept(x, y);
            return;
        }
        try (var _ = Scope.open("rows")) {
            for (int i = 0; i < x.size(0); i++) {
                product.accept(x.narrow(0, i, 1), y.narrow(0, i, 1));
            }
        }
    }

    private Tensor panel(long row, long rows, Workspace workspace) {
        Tensor panel = workspace.get(Workspace.Buffer.PANEL, compute(), rows, in());
        try (var _ = Profile.operation("expand weights")) {
            expand(row, panel);
        }
        return panel;
    }

    /// Plain numbers: in memory, mapped from a file, or in the host's memory beside a card. A few
    /// rows x are multiplied straight from numbers of 16 bits.
    ///
    /// @param stored [out, in]
    /// @param unmapped where panels are read from, so that what is mapped does not become part of
    ///     this process's memory; null where `stored` has them
    record Dense(Tensor stored, DType compute, FileBytes unmapped) implements FrozenWeight {
        public Dense(Tensor stored, DType compute) {
            this(stored, compute, null);
        }

        @Override
        public long out() {
            return stored.size(0);
        }

        @Override
        public long in() {
            return stored.size(1);
        }

        @Override
        public void product(Tensor x, Tensor y, Workspace workspace) {
            if (isReady(x) && !workspace.halves(x)) {
                Kernels.of(x).multiply(1, plain(x), transposed(stored), 0, y);
            } else if (isHalf() && x.size(0) <= FEW_FOR_HALVES && isFloatOnCpu(x)) {
                eachRow(x, y, (row, out) -> Kernels.of(row).product(stored, row, out));
            } else {
                FrozenWeight.super.product(x, y, workspace);
            }
        }

        /// Whether it can be multiplied as it is.
        private boolean isReady(Tensor by) {
            return stored.dtype() == compute && stored.device().equals(by.device());
        }

        private boolean isHalf() {
            return stored.dtype() == DType.BF16 || stored.dtype() == DType.F16;
        }

        @Override
        public void productTransposed(Tensor dy, Tensor dx, boolean add, Workspace workspace) {
            if (isReady(dy) && !workspace.halves(dy)) {
                Kernels.of(dy).multiply(1, plain(dy), plain(stored), add ? 1 : 0, dx);
            } else {
                FrozenWeight.super.productTransposed(dy, dx, add, workspace);
            }
        }

        @Override
        public void expand(long row, Tensor panel) {
            if (unmapped != null) {
                FileBytes rows = unmapped.part(row * rowBytes(), panel.size(0) * rowBytes());
                Kernels.of(panel).read(rows, stored.dtype(), panel);
                return;
            }
            try (var _ = Scope.open("rows", panel.device())) {
                Tensor rows = stored.narrow(0, row, panel.size(0));
                if (rows.device().equals(panel.device())) {
                    Kernels.of(panel).convert(rows, panel);
                } else {
                    send(rows, panel);
                }
            }
        }

        private long rowBytes() {
            return in() * stored.dtype().bytes();
        }

        /// To another device, converted there: libtorch would do it on the slower side.
        private static void send(Tensor rows, Tensor panel) {
            if (rows.dtype() == panel.dtype()) {
                panel.sendInPlace(rows);
            } else {
                Tensor near = Tensor.empty(rows.dtype(), rows.shape());
                near.sendInPlace(rows);
                panel.copyInPlace(near);
            }
        }

        @Override
        public Tensor rows(Tensor ids) {
            Tensor rows = unmapped == null ? stored.indexSelect(0, ids) : readRows(ids.toInts());
            return rows.dtype() == compute ? rows : rows.to(compute);
        }

        private Tensor readRows(int[] ids) {
            Tensor rows = Tensor.empty(stored.dtype(), ids.length, in());
            MemorySegment memory = rows.segment();
            long bytes = rowBytes();
            for (int i = 0; i < ids.length; i++) {
                unmapped.read(ids[i] * bytes, memory.asSlice(i * bytes, bytes));
            }
            return rows;
        }

        @Override
        public Tensor expanded() {
            return stored.dtype() == DType.F32 ? stored.copy() : stored.to(DType.F32);
        }
    }

    /// Codes of four or eight bits, which a card may read from page-locked memory of the host. A
    /// few rows x, as in generation, are multiplied straight from the codes.
    record Quantized(QuantizedTensor tensor, DType compute) implements FrozenWeight {
        @Override
        public long out() {
            return tensor.matrix().out();
        }

        @Override
        public long in() {
            return tensor.matrix().in();
        }

        @Override
        public void product(Tensor x, Tensor y, Workspace workspace) {
            if (x.size(0) == 1 || (x.size(0) <= FEW_FOR_CODES && isFloatOnCpu(x))) {
                eachRow(x, y, (row, out) -> Kernels.of(row).product(tensor.matrix(), row, out));
            } else {
                FrozenWeight.super.product(x, y, workspace);
            }
        }

        @Override
        public void expand(long row, Tensor panel) {
            Kernels.of(panel).expand(tensor.matrix(), row, panel);
        }

        @Override
        public Tensor rows(Tensor ids) {
            int[] wanted = ids.toInts();
            Tensor rows = Tensor.empty(compute, wanted.length, in());
            try (var _ = Scope.open("rows of codes")) {
                for (int i = 0; i < wanted.length; i++) {
                    expand(wanted[i], rows.narrow(0, i, 1));
                }
            }
            return rows;
        }

        @Override
        public Tensor expanded() {
            Tensor all = Tensor.empty(DType.F32, out(), in());
            Kernels.of(all).expand(tensor.matrix(), 0, all);
            return all;
        }
    }
}
