package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// With t the target of a row, `loss = max + log Σ exp(x − max) − x_t`; its gradient
/// `gradScale · (exp(x − max) / Σ exp(x − max) − onehot(t))` takes the place of x.
///
/// A row is read from memory once for the sum, block by block: the maximum of a block, then its
/// exponentials while it is in the nearest cache, the sum so far rescaled when the maximum grows.
final class VectorCrossEntropy {
    private static final int BLOCK = 4096;

    private VectorCrossEntropy() {}

    static double lossAndGradient(Tensor logits, int[] targets, double gradScale) {
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
        double[] losses = new double[rows];
        Workers.rows(
                rows,
                width,
                (from, to) -> {
                    for (int row = (int) from; row < to; row++) {
                        long at = (long) row * width;
                        losses[row] = row(xs, at, width, targets[row], gradScale);
                    }
                });
        double loss = 0;
        for (double l : losses) {
            loss += l;
        }
        return loss;
    }

    private static double row(MemorySegment x, long at, int width, int target, double gradScale) {
        float max = Float.NEGATIVE_INFINITY;
        double sum = 0;
        for (int from = 0; from < width; from += BLOCK) {
            int length = Math.min(BLOCK, width - from);
            float blockMax = max(x, at + from, length);
            if (blockMax == Float.NEGATIVE_INFINITY) {
                continue; // adds nothing, and −∞ − −∞ is not a number
            }
            if (blockMax > max) {
                sum *= StrictMath.exp((double) max - blockMax);
                max = blockMax;
            }
            sum += sumOfExp(x, at + from, length, max);
        }
        double loss = (double) max - Lanes.get(x, at + target) + StrictMath.log(sum);
        gradient(x, at, width, max, (float) (gradScale / sum));
        // p − 1 = e^−loss − 1, without cancellation where p is near 1
        Lanes.set(x, at + target, (float) (StrictMath.expm1(-loss) * gradScale));
        return loss;
    }

    private static float max(MemorySegment x, long at, int width) {
        FloatVector m0 = all(Float.NEGATIVE_INFINITY);
        FloatVector m1 = m0;
        int i = 0;
        for (; i <= width - 2 * LENGTH; i += 2 * LENGTH) {
            m0 = m0.max(load(x, at + i));
            m1 = m1.max(load(x, at + i + LENGTH));
        }
        for (; i < width; i += LENGTH) {
            var mask = Lanes.tail(i, width);
            m0 = m0.blend(m0.max(load(x, at + i, mask)), mask);
        }
        return m0.max(m1).reduceLanes(VectorOperators.MAX);
    }

    private static double sumOfExp(MemorySegment x, long at, int width, float max) {
        FloatVector s0 = all(0);
        FloatVector s1 = s0;
        int i = 0;
        for (; i <= width - 2 * LENGTH; i += 2 * LENGTH) {
            s0 = s0.add(Lanes.exp(load(x, at + i).sub(max)));
            s1 = s1.add(Lanes.exp(load(x, at + i + LENGTH).sub(max)));
        }
        for (; i < width; i += LENGTH) {
            var mask = Lanes.tail(i, width);
            s0 = s0.add(all(0).blend(Lanes.exp(load(x, at + i, mask).sub(max)), mask));
        }
        return Lanes.sum(s0.add(s1));
    }

    private static void gradient(MemorySegment x, long at, int width, float max, float factor) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            store(Lanes.exp(load(x, at + i).sub(max)).mul(factor), x, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            store(Lanes.exp(load(x, at + i, mask).sub(max)).mul(factor), x, at + i, mask);
        }
    }
}
