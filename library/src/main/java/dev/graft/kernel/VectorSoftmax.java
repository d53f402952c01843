package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/// Attention's softmax over the columns that a row sees: with z = scale · score,
/// p = exp(z − max) / Σ exp(z − max), and dScore = scale · p ⊙ (dp − δ) with δ = Σ p ⊙ dp.
final class VectorSoftmax {
    private static final VectorSpecies<Float> FLOATS = Lanes.SPECIES;
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
    private static final long VECTOR_BYTES = (long) LENGTH * Float.BYTES;

    private VectorSoftmax() {}

    /// The softmax of a block's rows, whose scores come tile by tile (Milakov and Gimelshein 2018):
    /// of each row the greatest score so far, and Σ exp(scale · score − greatest).
    static final class Running {
        private final float[] greatest;
        private final double[] sums;
        private final float scale;

        Running(int rows, float scale) {
            this.greatest = new float[rows];
            this.sums = new double[rows];
            this.scale = scale;
            Arrays.fill(greatest, Float.NEGATIVE_INFINITY);
        }

        /// Replaces the scores of a row by exp(scale · score − greatest), those that it does not
        /// see by 0.
        ///
        /// @param first the first column that it sees
        /// @param end the column behind the last
        /// @return what the row's exponentials of earlier tiles are to be multiplied by
        float take(int row, MemorySegment scores, long at, int first, int end, int width) {
            int seen = end - first;
            RowPasses.zero(scores, at, 0, first);
            RowPasses.zero(scores, at, end, width);
            if (seen == 0) {
                return 1;
            }
            float before = greatest[row];
            float now = Math.max(before, RowPasses.max(scores, at + first, seen, scale));
            double sum = RowPasses.exponentials(scores, at + first, seen, scale, now);
            double shrunk = now == before ? 1 : StrictMath.exp((double) before - now);
            greatest[row] = now;
            sums[row] = sums[row] * shrunk + sum;
            return (float) shrunk;
        }

        /// What a row's exponentials are to be multiplied by to be probabilities.
        float factor(int row) {
            return (float) (1 / sums[row]);
        }

        /// log Σ exp(scale · score).
        float logSum(int row) {
            return (float) (greatest[row] + StrictMath.log(sums[row]));
        }
    }

    /// Replaces the scores of a row by probabilities, from the sum that `Running` has found; those
    /// that it does not see by 0.
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

    /// Replaces dp by the gradient of the unscaled scores, of as many rows as there are δ. Longer
    /// than what the compiler inlines, as that of [VectorFourBitRow] is.
    static void backward(
            MemorySegment probabilities,
            MemorySegment gradients,
            int width,
            float[] deltas,
            float scale) {
        MemorySegment p = Lanes.exact(probabilities);
        MemorySegment dp = Lanes.exact(gradients);
        int fours = width / (4 * LENGTH);
        for (int row = 0; row < deltas.length; row++) {
            float delta = deltas[row];
            long first = (long) Float.BYTES * row * width;
            for (int i = 0; i < fours; i++) {
                long a = first + 4 * VECTOR_BYTES * i;
                long b = a + VECTOR_BYTES;
                long c = b + VECTOR_BYTES;
                long d = c + VECTOR_BYTES;
                var da = FloatVector.fromMemorySegment(FLOATS, dp, a, NATIVE).sub(delta).mul(scale);
                var db = FloatVector.fromMemorySegment(FLOATS, dp, b, NATIVE).sub(delta).mul(scale);
                var dc = FloatVector.fromMemorySegment(FLOATS, dp, c, NATIVE).sub(delta).mul(scale);
                var dd = FloatVector.fromMemorySegment(FLOATS, dp, d, NATIVE).sub(delta).mul(scale);
                da = da.mul(FloatVector.fromMemorySegment(FLOATS, p, a, NATIVE));
                db = db.mul(FloatVector.fromMemorySegment(FLOATS, p, b, NATIVE));
                dc = dc.mul(FloatVector.fromMemorySegment(FLOATS, p, c, NATIVE));
                dd = dd.mul(FloatVector.fromMemorySegment(FLOATS, p, d, NATIVE));
                da.intoMemorySegment(dp, a, NATIVE);
                db.intoMemorySegment(dp, b, NATIVE);
                dc.intoMemorySegment(dp, c, NATIVE);
                dd.intoMemorySegment(dp, d, NATIVE);
            }
            for (int i = 4 * LENGTH * fours; i < width; i += LENGTH) {
                long at = first + (long) Float.BYTES * i;
                var mask = FLOATS.indexInRange(i, width);
                var d = FloatVector.fromMemorySegment(FLOATS, dp, at, NATIVE, mask);
                d = d.sub(delta).mul(scale);
                d = d.mul(FloatVector.fromMemorySegment(FLOATS, p, at, NATIVE, mask));
                d.intoMemorySegment(dp, at, NATIVE, mask);
            }
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
