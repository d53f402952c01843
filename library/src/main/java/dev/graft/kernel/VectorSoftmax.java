package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// Attention's softmax over the columns 0 … firstRow + i of row i: with z = scale · score,
/// p = exp(z − max) / Σ exp(z − max), and dScore = scale · p ⊙ (dp − δ) with δ = Σ p ⊙ dp.
final class VectorSoftmax {
    private VectorSoftmax() {}

    static void forward(Tensor scores, double scale, long firstRow, Tensor logSumExp) {
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
                        int visible = visible(firstRow + row % rows, width);
                        long at = row * width;
                        float max = max(ps, at, visible, (float) scale);
                        double sum = exponentials(ps, at, visible, (float) scale, max);
                        scaleRow(ps, at, visible, (float) (1 / sum));
                        zero(ps, at, visible, width);
                        Lanes.set(sums, row, (float) (max + StrictMath.log(sum)));
                    }
                });
    }

    static void again(Tensor scores, double scale, long firstRow, Tensor logSumExp) {
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
                        int visible = visible(firstRow + row % rows, width);
                        long at = row * width;
                        exponentials(ps, at, visible, (float) scale, Lanes.get(sums, row));
                        zero(ps, at, visible, width);
                    }
                });
    }

    private static int visible(long lastColumn, int width) {
        return Math.clamp(lastColumn + 1, 0, width);
    }

    private static float max(MemorySegment m, long at, int width, float scale) {
        FloatVector max = all(Float.NEGATIVE_INFINITY);
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            max = max.max(load(m, at + i).mul(scale));
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            max = max.blend(max.max(load(m, at + i, mask).mul(scale)), mask);
        }
        return max.reduceLanes(VectorOperators.MAX);
    }

    /// Replaces x by exp(scale · x − shift) and returns the sum.
    private static double exponentials(
            MemorySegment m, long at, int width, float scale, float shift) {
        FloatVector sum = all(0);
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            FloatVector e = Lanes.exp(load(m, at + i).mul(scale).sub(shift));
            store(e, m, at + i);
            sum = sum.add(e);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            FloatVector e = Lanes.exp(load(m, at + i, mask).mul(scale).sub(shift));
            store(e, m, at + i, mask);
            sum = sum.add(all(0).blend(e, mask));
        }
        return Lanes.sum(sum);
    }

    private static void scaleRow(MemorySegment m, long at, int width, float factor) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            store(load(m, at + i).mul(factor), m, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            store(load(m, at + i, mask).mul(factor), m, at + i, mask);
        }
    }

    private static void zero(MemorySegment m, long at, int from, int width) {
        int i = from;
        for (; i <= width - LENGTH; i += LENGTH) {
            store(all(0), m, at + i);
        }
        if (i < width) {
            store(all(0), m, at + i, Lanes.tail(i, width));
        }
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
