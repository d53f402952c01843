package dev.graft.nn;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// A weight that is never trained: it answers x·Wᵀ and dy·W, and its gradient is never wanted.
public sealed interface FrozenWeight extends Weight permits FrozenWeight.Dense {

    /// Plain numbers, in memory or mapped from a file. Where the stored type is not that of the
    /// computation, panels of rows are widened into a reused buffer, never the whole.
    ///
    /// @param stored [out, in]
    /// @param compute type of the products
    record Dense(Tensor stored, DType compute) implements FrozenWeight {
        private static final long PANEL_BYTES = 4 << 20;

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
            if (stored.dtype() == compute) {
                Tensor.mmInto(y, x, stored.t());
                return;
            }
            for (long row = 0; row < out(); row += panelRows()) {
                Tensor panel = panel(row, workspace); // [R, in]
                Tensor.mmInto(y.narrow(1, row, panel.size(0)), x, panel.t());
            }
        }

        @Override
        public void productTransposed(Tensor dy, Tensor dx, boolean add, Workspace workspace) {
            if (stored.dtype() == compute) {
                dx.addmmInPlace(dy, stored, add ? 1 : 0, 1);
                return;
            }
            for (long row = 0; row < out(); row += panelRows()) {
                Tensor panel = panel(row, workspace); // [R, in]
                Tensor part = dy.narrow(1, row, panel.size(0)); // [T, R]
                dx.addmmInPlace(part, panel, add || row > 0 ? 1 : 0, 1);
            }
        }

        private long panelRows() {
            return Math.max(16, PANEL_BYTES / (in() * compute.bytes()));
        }

        private Tensor panel(long row, Workspace workspace) {
            long rows = Math.min(panelRows(), out() - row);
            Tensor panel = workspace.get(Workspace.Buffer.PANEL, compute, rows, in());
            return panel.copyInPlace(stored.narrow(0, row, rows));
        }

        @Override
        public Tensor rows(Tensor ids) {
            Tensor rows = stored.indexSelect(0, ids);
            return rows.dtype() == compute ? rows : rows.to(compute);
        }

        @Override
        public Tensor expanded() {
            return stored.dtype() == DType.F32 ? stored.copy() : stored.to(DType.F32);
        }
    }
}
