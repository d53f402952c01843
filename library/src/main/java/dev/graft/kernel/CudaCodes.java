package dev.graft.kernel;

import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Matrices in codes on a card, by the kernels of `quantized.cu`.
final class CudaCodes {
    private static final int THREADS = 256;
    private static final int PRODUCT_THREADS = 128;
    private static final int LANES = 32;

    /// Packs that a thread expands.
    private static final int PACKS = 4;

    /// Codes that a lane of a product takes at a time; a width has whole numbers of them.
    private static final int LANE_CODES = 16;

    /// Rows that a warp of a product takes.
    private static final int WARP_ROWS = 2;

    /// Of what is expanded at a time for a product of a single row.
    private static final long PANEL_NUMBERS = 32 << 20;

    private final CudaLauncher launcher;

    CudaCodes(CudaLauncher launcher) {
        this.launcher = launcher;
    }

    /// out = rows of the matrix, from `row` on.
    void expand(QuantizedMatrix w, long row, Tensor out) {
        switch (w) {
            case FourBitMatrix m -> expand(m, row, out);
            case Int8Matrix m -> expand(m, row, out);
        }
    }

    private void expand(FourBitMatrix w, long row, Tensor out) {
        long first = row * w.in();
        CudaPack pack =
                CudaPack.isAligned(w.codes())
                        ? CudaPack.of(List.of(out), first, out.numel(), w.blockSize())
                        : CudaPack.single(out.dtype());
        List<Object> arguments = new ArrayList<>(codes(w));
        arguments.addAll(List.of(first, out, out.numel()));
        launcher.launch(
                "expand_four_bit" + pack.suffix(),
                Math.ceilDiv(out.numel() / pack.numbers(), THREADS * PACKS),
                THREADS,
                arguments.toArray());
    }

    private void expand(Int8Matrix w, long row, Tensor out) {
        try (var _ = Scope.open("rows", out.device())) {
            Tensor codes = w.codes().narrow(0, row, out.size(0));
            int width = Math.toIntExact(w.in());
            CudaPack pack =
                    CudaPack.isAligned(codes)
                            ? CudaPack.of(List.of(out), width)
                            : CudaPack.single(out.dtype());
            launcher.launch(
                    "expand_int8" + pack.suffix(),
                    Math.ceilDiv(out.numel() / pack.numbers(), THREADS),
                    THREADS,
                    codes,
                    w.maxima().narrow(0, row, out.size(0)),
                    out,
                    out.size(0),
                    width);
        }
    }

    /// y = x · Wᵀ for a single row x.
    void product(QuantizedMatrix w, Tensor x, Tensor y) {
        if (w instanceof FourBitMatrix m
                && m.in() % LANE_CODES == 0
                && m.blockSize() % LANE_CODES == 0
                && CudaPack.isAligned(m.codes())) {
            CudaPack pack = CudaPack.of(List.of(x), m.in());
            List<Object> arguments = new ArrayList<>(codes(m));
            arguments.addAll(List.of(x, y, m.out(), Math.toIntExact(m.in())));
            launcher.launch(
                    "product_four_bit" + pack.suffix(),
                    Math.ceilDiv(m.out(), PRODUCT_THREADS / LANES * WARP_ROWS),
                    PRODUCT_THREADS,
                    arguments.toArray());
        } else {
            productOfPanels(w, x, y);
        }
    }

    /// Expands some rows of the matrix at a time, in the type of x.
    private void productOfPanels(QuantizedMatrix w, Tensor x, Tensor y) {
        long rows = Math.max(1, PANEL_NUMBERS / w.in());
        for (long from = 0; from < w.out(); from += rows) {
            long count = Math.min(rows, w.out() - from);
            try (var _ = Scope.open("panel", x.device())) {
                Tensor panel = Tensor.empty(x.dtype(), count, w.in());
                expand(w, from, panel);
                Tensor.mmInto(y.narrow(1, from, count), x, panel.t());
            }
        }
    }

    /// The arguments that say what the codes mean.
    private static List<Object> codes(FourBitMatrix w) {
        int shift = Integer.numberOfTrailingZeros(w.blockSize());
        List<Object> arguments = new ArrayList<>();
        arguments.add(w.codes());
        switch (w.maxima()) {
            case BlockMaxima.Plain(Tensor values) ->
                    arguments.addAll(Arrays.asList(values, null, null, 0f));
            case BlockMaxima.Nested n ->
                    arguments.addAll(List.of(n.codes(), n.maxima(), n.table(), n.offset()));
        }
        arguments.add(shift);
        arguments.add(w.table());
        return arguments;
    }
}
