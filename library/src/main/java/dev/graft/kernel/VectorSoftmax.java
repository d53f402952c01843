package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.kernel.Kernels.Visible;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Attention's softmax over the columns that a row sees: with z = scale · score,
/// p = exp(z − max) / Σ exp(z − max), and dScore = scale · p ⊙ (dp − δ) with δ = Σ p ⊙ dp.
final class VectorSoftmax {
    private VectorSoftmax() {}

    static void forward(Tensor scores, double scale, Visible visible, Tensor logSumExp) {
        long rows = scores.size(1);
        int width = Math.toIntExact(scores.size(2));
        long all = scores.size(0) * rows;
        var ps = Lanes.floats("causalSoftmax", scores, all * width);
        var sums = Lanes.floats("causalSoftmax", logSumExp, all);
        Workers.rows(
                all,
                width,
                (from, to) -> {
                    for (long row = from; row < to; row++) {
                        int first = (int) visible.first(row % rows);
                        int end = (int) visible.end(row % rows, width);
                        int seen = Math.max(0, end - first);
                        long at = row * width;
                        float max = RowPasses.max(ps, at + first, seen, (float) scale);
                        double sum =
                                RowPasses.exponentials(ps, at + first, seen, (float) scale, max);
                        RowPasses.scale(ps, at + first, seen, (float) (1 / sum));
                        RowPasses.zero(ps, at, 0, Math.min(first, width));
                        RowPasses.zero(ps, at, end, width);
                        Lanes.set(sums, row, (float) (max + StrictMath.log(sum)));
                    }
                });
    }

    static void again(Tensor scores, double scale, Visible visible, Tensor logSumExp) {
        long rows = scores.size(1);
        int width = Math.toIntExact(scores.size(2));
        long all = scores.size(0) * rows;
        var ps = Lanes.floats("causalSoftmaxAgain", scores, all * width);
        var sums = Lanes.floats("causalSoftmaxAgain", logSumExp, all);
        Workers.rows(
                all,
                width,
                (from, to) -> {
                    for (long row = from; row < to; row++) {
                        int first = (int) visible.first(row % rows);
                        int end = (int) visible.end(row % rows, width);
                        int seen = Math.max(0, end - first);
                        long at = row * width;
                        RowPasses.exponentials(
                                ps, at + first, seen, (float) scale, Lanes.get(sums, row));
                        RowPasses.zero(ps, at, 0, Math.min(first, width));
                        RowPasses.zero(ps, at, end, width);
                    }
                });
    }

    static void backward(Tensor p, Tensor dp, Tensor delta, double scale) {
        int width = Math.toIntExact(p.size(2));
        long rows = p.size(0) * p.size(1);
        var ps = Lanes.floats("softmaxBackward", p, rows * width);
        var dps = Lanes.floats("softmaxBackward", dp, rows * width);
        var deltas = Lanes.floats("softmaxBackward", delta, rows);
        Workers.rows(
                rows,
                width,
                (from, to) -> {
                    for (long row = from; row < to; row++) {
                        float d = Lanes.get(deltas, row);
                        backwardRow(ps, dps, row * width, width, d, (float) scale);
                    }
                });
    }

    private static void backwardRow(
            MemorySegment p, MemorySegment dp, long at, int width, float delta, float scale) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            FloatVector d = load(dp, at + i).sub(delta);
            store(d.mul(load(p, at + i)).mul(scale), dp, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            FloatVector d = load(dp, at + i, mask).sub(delta);
            store(d.mul(load(p, at + i, mask)).mul(scale), dp, at + i, mask);
        }
    }

    /// out = Σ_D a ⊙ b for each row.
    static void rowDots(Tensor a, Tensor b, Tensor out) {
        long rows = a.size(0);
        int width = Math.toIntExact(a.size(1));
        var as = Lanes.floats("rowDots", a, rows * width);
        var bs = Lanes.floats("rowDots", b, rows * width);
        var outs = Lanes.floats("rowDots", out, rows);
        Workers.rows(
                rows,
                width,
                (from, to) -> {
                    for (long row = from; row < to; row++) {
                        long at = row * width;
                        Lanes.set(outs, row, (float) Lanes.dot(as, at, bs, at, width));
                    }
                });
    }
}
