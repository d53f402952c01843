package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Attention's softmax over the columns that a row sees: with z = scale · score,
/// p = exp(z − max) / Σ exp(z − max), and dScore = scale · p ⊙ (dp − δ) with δ = Σ p ⊙ dp.
final class VectorSoftmax {
    private VectorSoftmax() {}

    /// Replaces the scores of a row by probabilities, those that it does not see by 0.
    ///
    /// @param first the first column that it sees
    /// @param end the column behind the last
    /// @return log Σ exp(scale · score)
    static float forward(
            MemorySegment scores, long at, int first, int end, int width, float scale) {
        int seen = end - first;
        float max = RowPasses.max(scores, at + first, seen, scale);
        double sum = RowPasses.exponentials(scores, at + first, seen, scale, max);
        RowPasses.scale(scores, at + first, seen, (float) (1 / sum));
        RowPasses.zero(scores, at, 0, first);
        RowPasses.zero(scores, at, end, width);
        return (float) (max + StrictMath.log(sum));
    }

    /// The same probabilities from the sum that `forward` returned.
    static void again(
            MemorySegment scores,
            long at,
            int first,
            int end,
            int width,
            float scale,
            float logSum) {
        RowPasses.exponentials(scores, at + first, end - first, scale, logSum);
        RowPasses.zero(scores, at, 0, first);
        RowPasses.zero(scores, at, end, width);
    }

    /// Replaces dp by the gradient of the unscaled scores.
    static void backwardRow(
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
