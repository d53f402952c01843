package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// The passes over a row that the softmaxes are made of. Tails are methods of their own: a method
/// with too many vector calls goes over the compiler's budget for inlining and boxes its vectors.
final class RowPasses {
    private RowPasses() {}

    /// The greatest scale · x, NaN left out; −∞ where there is none.
    static float max(MemorySegment m, long at, int width, float scale) {
        FloatVector max = all(Float.NEGATIVE_INFINITY);
        FloatVector other = max;
        int i = 0;
        for (; i <= width - 2 * LENGTH; i += 2 * LENGTH) {
            FloatVector x = load(m, at + i).mul(scale);
            FloatVector y = load(m, at + i + LENGTH).mul(scale);
            max = max.blend(x, x.compare(VectorOperators.GT, max));
            other = other.blend(y, y.compare(VectorOperators.GT, other));
        }
        float most = max.max(other).reduceLanes(VectorOperators.MAX);
        for (; i < width; i += LENGTH) {
            most = Math.max(most, tailMax(m, at, i, width, scale));
        }
        return most;
    }

    private static float tailMax(MemorySegment m, long at, int i, int width, float scale) {
        var mask = Lanes.tail(i, width);
        FloatVector x = load(m, at + i, mask).mul(scale);
        FloatVector least = all(Float.NEGATIVE_INFINITY);
        return least.blend(x, x.compare(VectorOperators.GT, least, mask))
                .reduceLanes(VectorOperators.MAX);
    }

    /// Replaces x by exp(scale · x − shift) and returns the sum.
    static double exponentials(MemorySegment m, long at, int width, float scale, float shift) {
        FloatVector sum = all(0);
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            FloatVector e = Lanes.exp(load(m, at + i).mul(scale).sub(shift));
            store(e, m, at + i);
            sum = sum.add(e);
        }
        double total = Lanes.sum(sum);
        return i < width ? total + tailExponentials(m, at, i, width, scale, shift) : total;
    }

    private static double tailExponentials(
            MemorySegment m, long at, int i, int width, float scale, float shift) {
        var mask = Lanes.tail(i, width);
        FloatVector e = Lanes.exp(load(m, at + i, mask).mul(scale).sub(shift));
        store(e, m, at + i, mask);
        return Lanes.sum(all(0).blend(e, mask));
    }

    /// Multiplies x by the factor.
    static void scale(MemorySegment m, long at, int width, float factor) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            store(load(m, at + i).mul(factor), m, at + i);
        }
        if (i < width) {
            tailScale(m, at, i, width, factor);
        }
    }

    private static void tailScale(MemorySegment m, long at, int i, int width, float factor) {
        var mask = Lanes.tail(i, width);
        store(load(m, at + i, mask).mul(factor), m, at + i, mask);
    }

    /// Writes 0 to the columns from `from` on.
    static void zero(MemorySegment m, long at, int from, int width) {
        int i = from;
        for (; i <= width - LENGTH; i += LENGTH) {
            store(all(0), m, at + i);
        }
        if (i < width) {
            store(all(0), m, at + i, Lanes.tail(i, width));
        }
    }

    /// x ← x ⊙ y.
    static void multiply(MemorySegment x, MemorySegment y, int count) {
        int i = 0;
        for (; i <= count - LENGTH; i += LENGTH) {
            store(load(x, i).mul(load(y, i)), x, i);
        }
        if (i < count) {
            var mask = Lanes.tail(i, count);
            store(load(x, i, mask).mul(load(y, i, mask)), x, i, mask);
        }
    }
}
