package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.nn.Workspace.Buffer;
import dev.graft.profile.Profile;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Products with a frozen matrix in bfloat16, as autocast takes them: both factors are rounded to
/// 8 bits, sums are kept in float32 and rounded when they are done. What comes out is widened, and
/// panels of the matrix add up in float32.
public final class HalfProduct {
    /// Bytes of a panel of the matrix, and of its side of the result.
    public static final long PANEL_BYTES = 8 << 20;

    private HalfProduct() {}

    /// Rows of the matrix that are multiplied at once.
    ///
    /// @param rows of the other factor
    /// @param asStored whether the matrix is in bfloat16 already, and needs no panel
    public static long panelRows(long rows, long in, long out, boolean asStored) {
        long most = Math.max(16, PANEL_BYTES / (DType.BF16.bytes() * rows));
        long panel = Math.max(16, PANEL_BYTES / (DType.BF16.bytes() * in));
        return Math.min(out, asStored ? most : Math.min(most, panel));
    }

    /// y = x · Wᵀ.
    static void product(FrozenWeight w, Tensor x, Tensor y, Workspace workspace) {
        Tensor narrow = narrow(x, workspace);
        long step = step(w, x);
        for (long row = 0; row < w.out(); row += step) {
            long rows = Math.min(step, w.out() - row);
            try (var _ = Scope.open("half product")) {
                Tensor part = workspace.get(Buffer.HALF_OUTPUT, DType.BF16, x.size(0), rows);
                Tensor.mmInto(part, narrow, panel(w, row, rows, workspace).t());
                y.narrow(1, row, rows).copyInPlace(part);
            }
        }
    }

    /// dx = dy · W, added to dx if `add`.
    static void productTransposed(
            FrozenWeight w, Tensor dy, Tensor dx, boolean add, Workspace workspace) {
        long step = step(w, dy);
        for (long row = 0; row < w.out(); row += step) {
            long rows = Math.min(step, w.out() - row);
            try (var _ = Scope.open("half product")) {
                Tensor narrow = narrow(dy.narrow(1, row, rows), workspace);
                Tensor part = workspace.get(Buffer.HALF_OUTPUT, DType.BF16, dy.size(0), w.in());
                Tensor.mmInto(part, narrow, panel(w, row, rows, workspace));
                if (add || row > 0) {
                    Kernels.of(dx).addHalf(part, dx);
                } else {
                    dx.copyInPlace(part);
                }
            }
        }
    }

    private static long step(FrozenWeight w, Tensor x) {
        return panelRows(x.size(0), w.in(), w.out(), asStored(w));
    }

    private static Tensor narrow(Tensor x, Workspace workspace) {
        return workspace.get(Buffer.HALF_INPUT, DType.BF16, x.shape()).copyInPlace(x);
    }

    private static boolean asStored(FrozenWeight w) {
        return w instanceof FrozenWeight.Dense dense && dense.stored().dtype() == DType.BF16;
    }

    /// Rows of the matrix in bfloat16. [rows, in]
    private static Tensor panel(FrozenWeight w, long row, long rows, Workspace workspace) {
        if (w instanceof FrozenWeight.Dense dense) {
            Tensor stored = dense.stored().narrow(0, row, rows);
            return asStored(w)
                    ? stored
                    : workspace
                            .get(Buffer.HALF_PANEL, DType.BF16, rows, w.in())
                            .copyInPlace(stored);
        }
        Tensor panel = workspace.get(Buffer.HALF_PANEL, DType.BF16, rows, w.in());
        long step = w.panelRows();
        for (long from = 0; from < rows; from += step) {
            long some = Math.min(step, rows - from);
            Tensor wide = workspace.get(Buffer.PANEL, w.compute(), some, w.in());
            try (var _ = Profile.operation("expand weights")) {
                w.expand(row + from, wide);
            }
            panel.narrow(0, from, some).copyInPlace(wide);
        }
        return panel;
    }
}
