package dev.graft.kernel;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// With t the target of a row, `loss = max + log Σ exp(x − max) − x_t`; its gradient
/// `gradScale · (exp(x − max) / Σ exp(x − max) − onehot(t))` takes the place of x.
///
/// A row is read from memory once, block by block: the maximum of a block, then, while it is in the
/// nearest cache, its exponentials in place, relative to the greatest value so far. The last pass
/// multiplies each block by what it lacks: exp(its maximum − max) / Σ.
final class VectorCrossEntropy {
    private static final int BLOCK = 4096;

    private VectorCrossEntropy() {}

    static void lossAndGradient(Tensor logits, int[] targets, double gradScale, Tensor losses) {
        int rows = targets.length;
        int width = Math.toIntExact(logits.size(1));
        var xs = Lanes.floats("crossEntropy", logits, (long) rows * width);
        for (int target : targets) {
            if (target < 0 || target >= width) {
                throw new IllegalArgumentException(
                        "crossEntropy: found target %d, expected 0 … %d"
                                .formatted(target, width - 1));
            }
        }
        MemorySegment to = losses.segment();
        Workers.rows(
                rows,
                width,
                (first, end) -> {
                    for (int row = (int) first; row < end; row++) {
                        double loss = row(xs, (long) row * width, width, targets[row], gradScale);
                        to.setAtIndex(ValueLayout.JAVA_DOUBLE, row, loss);
                    }
                });
    }

    private static double row(MemorySegment x, long at, int width, int target, double gradScale) {
        float atTarget = Lanes.get(x, at + target);
        float[] shifts = new float[(width + BLOCK - 1) / BLOCK];
        float max = Float.NEGATIVE_INFINITY;
        double sum = 0;
        for (int b = 0; b < shifts.length; b++) {
            long from = at + (long) b * BLOCK;
            int length = Math.min(BLOCK, width - b * BLOCK);
            float blockMax = RowPasses.max(x, from, length, 1);
            if (blockMax > max) {
                sum *= StrictMath.exp((double) max - blockMax);
                max = blockMax;
            }
            // where all is −∞ so far, any finite shift gives exponentials of 0
            shifts[b] = max == Float.NEGATIVE_INFINITY ? 0 : max;
            sum += RowPasses.exponentials(x, from, length, 1, shifts[b]);
        }
        for (int b = 0; b < shifts.length; b++) {
            int length = Math.min(BLOCK, width - b * BLOCK);
            double factor =
                    StrictMath.exp(Math.min(0, (double) shifts[b] - max)) * (gradScale / sum);
            RowPasses.scale(x, at + (long) b * BLOCK, length, (float) factor);
        }
        double loss = (double) max - atTarget + StrictMath.log(sum);
        // p − 1 = e^−loss − 1, without cancellation where p is near 1
        Lanes.set(x, at + target, (float) (StrictMath.expm1(-loss) * gradScale));
        return loss;
    }
}
