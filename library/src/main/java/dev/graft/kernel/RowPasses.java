package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// The passes over a row that the softmaxes are made of. Tails are methods of their own: a method
/// with too many vector calls goes over the compiler's budget for inlining and boxes its vectors.
final class RowPasses {
    private static final VectorSpecies<Float> FLOATS = Lanes.SPECIES;
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    private RowPasses() {}

    /// The greatest scale · x, NaN left out; −∞ where there is none.
    static float max(MemorySegment m, long at, int width, float scale) {
        FloatVector max = all(Float.NEGATIVE_INFINITY);
        FloatVector other = max;
        int i = 0;
        for (; i <= width - 2 * LENGTH; i += 2 * LENGTH) {
            FloatVector x = load(m, at + i).mul(scale);
            FloatVector y = load(m, at + i + LENGTH).mul(scale);
            max = max.blend(x, x.compare(GT, max));
            other = other.blend(y, y.compare(GT, other));
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
        return least.blend(x, x.compare(GT, least, mask)).reduceLanes(VectorOperators.MAX);
    }

    /// Replaces x by exp(scale · x − shift), as `Lanes.exp` has it, and returns the sum.
    ///
    /// Longer than what the compiler inlines, and with no calls in the loop, as that of
    /// [VectorFourBitRow] is: in attention's methods it was inlined or half inlined, by chance, and
    /// a forward pass took half as long again.
    static double exponentials(MemorySegment m, long at, int width, float scale, float shift) {
        MemorySegment x = Lanes.exact(m);
        int pairs = width / (2 * LENGTH);
        FloatVector sum = FloatVector.zero(FLOATS);
        FloatVector otherSum = sum;
        for (int i = 0; i < pairs; i++) {
            long to = Float.BYTES * (at + 2L * LENGTH * i);
            long toOther = to + (long) Float.BYTES * LENGTH;
            var a = FloatVector.fromMemorySegment(FLOATS, x, to, NATIVE).mul(scale).sub(shift);
            var b = FloatVector.fromMemorySegment(FLOATS, x, toOther, NATIVE).mul(scale).sub(shift);
            var shiftedA = a.fma(Lanes.LOG2_E, Lanes.ROUNDER);
            var shiftedB = b.fma(Lanes.LOG2_E, Lanes.ROUNDER);
            var nA = shiftedA.sub(Lanes.ROUNDER);
            var nB = shiftedB.sub(Lanes.ROUNDER);
            var rA = nA.fma(Lanes.MINUS_LN2_LOW, nA.fma(Lanes.MINUS_LN2_HIGH, a));
            var rB = nB.fma(Lanes.MINUS_LN2_LOW, nB.fma(Lanes.MINUS_LN2_HIGH, b));
            var pA = rA.fma(Lanes.C7, Lanes.C6).fma(rA, Lanes.C5).fma(rA, Lanes.C4);
            var pB = rB.fma(Lanes.C7, Lanes.C6).fma(rB, Lanes.C5).fma(rB, Lanes.C4);
            pA = pA.fma(rA, Lanes.C3).fma(rA, Lanes.C2).fma(rA.mul(rA), rA).add(Lanes.ONE);
            pB = pB.fma(rB, Lanes.C3).fma(rB, Lanes.C2).fma(rB.mul(rB), rB).add(Lanes.ONE);
            var powerA = shiftedA.reinterpretAsInts().lanewise(LSHL, 23).add(Lanes.ONE_BITS);
            var powerB = shiftedB.reinterpretAsInts().lanewise(LSHL, 23).add(Lanes.ONE_BITS);
            var eA =
                    pA.mul(powerA.reinterpretAsFloats())
                            .blend(Lanes.ZERO, a.compare(LT, Lanes.LOWEST))
                            .blend(Lanes.INFINITY, a.compare(GT, Lanes.HIGHEST));
            var eB =
                    pB.mul(powerB.reinterpretAsFloats())
                            .blend(Lanes.ZERO, b.compare(LT, Lanes.LOWEST))
                            .blend(Lanes.INFINITY, b.compare(GT, Lanes.HIGHEST));
            eA.intoMemorySegment(x, to, NATIVE);
            eB.intoMemorySegment(x, toOther, NATIVE);
            sum = sum.add(eA);
            otherSum = otherSum.add(eB);
        }
        double total = Lanes.sum(sum.add(otherSum));
        for (int i = 2 * LENGTH * pairs; i < width; i += LENGTH) {
            total += tailExponentials(m, at, i, width, scale, shift);
        }
        return total;
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
