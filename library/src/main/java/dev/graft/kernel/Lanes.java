package dev.graft.kernel;

import dev.graft.tensor.Blas;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Vectors of float32 over a tensor's own memory: loads, stores, tails, sums and exp.
///
/// The same bits come out of the interpreter and of every compiler: sums add in a written order,
/// exp is a polynomial of fused multiply-adds. (`reduceLanes(ADD)` promises no order, and
/// `lanewise(EXP)` is another function before and after compilation.)
/// Machines with vectors of other lengths add in another order, and differ in the last bits.
final class Lanes {
    private static final VectorSpecies<Float> PREFERRED = FloatVector.SPECIES_PREFERRED;
    static final VectorSpecies<Float> SPECIES =
            PREFERRED.length() < 4 ? FloatVector.SPECIES_128 : PREFERRED;
    static final int LENGTH = SPECIES.length();

    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private static final VectorShuffle<Float> BY_8 = laneXor(8);
    private static final VectorShuffle<Float> BY_4 = laneXor(4);
    private static final VectorShuffle<Float> BY_2 = laneXor(2);
    private static final VectorShuffle<Float> BY_1 = laneXor(1);

    private Lanes() {}

    /// The memory of a contiguous float32 tensor of so many elements.
    static MemorySegment floats(String op, Tensor t, long count) {
        if (t.dtype() != DType.F32 || t.numel() != count) {
            throw new IllegalArgumentException(
                    "%s: found %s, expected F32 of %,d elements"
                            .formatted(op, t.describe(), count));
        }
        return t.segment();
    }

    /// The memory of a float32 matrix whose rows may lie apart, from the first element to the last.
    static MemorySegment rows(String op, Tensor t, long rows, long width) {
        if (t.dtype() != DType.F32 || t.dim() != 2 || t.size(0) != rows || t.size(1) != width) {
            throw new IllegalArgumentException(
                    "%s: found %s, expected F32[%d, %d]".formatted(op, t.describe(), rows, width));
        }
        return t.rowsSegment();
    }

    /// The same memory as a segment whose class the compiler knows. Of one from elsewhere it knows
    /// what it has seen, and once that were several classes (arrays too), each access is a call:
    /// loops over codes took twice as long in a run as alone.
    static MemorySegment exact(MemorySegment m) {
        return Blas.MEMORY.asSlice(m.address(), m.byteSize());
    }

    static float get(MemorySegment m, long index) {
        return m.get(ValueLayout.JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
    }

    static void set(MemorySegment m, long index, float value) {
        m.set(ValueLayout.JAVA_FLOAT_UNALIGNED, index * Float.BYTES, value);
    }

    static FloatVector load(MemorySegment m, long index) {
        return FloatVector.fromMemorySegment(SPECIES, m, index * Float.BYTES, ORDER);
    }

    /// The lanes that the mask leaves out are 0.
    static FloatVector load(MemorySegment m, long index, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(SPECIES, m, index * Float.BYTES, ORDER, mask);
    }

    static FloatVector load(float[] values, int index) {
        return FloatVector.fromArray(SPECIES, values, index);
    }

    static void store(FloatVector v, MemorySegment m, long index) {
        v.intoMemorySegment(m, index * Float.BYTES, ORDER);
    }

    static void store(FloatVector v, MemorySegment m, long index, VectorMask<Float> mask) {
        v.intoMemorySegment(m, index * Float.BYTES, ORDER, mask);
    }

    /// The lanes of the last, partial vector at `i` of a row of `width`.
    static VectorMask<Float> tail(int i, int width) {
        return SPECIES.indexInRange(i, width);
    }

    static FloatVector all(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    /// The sum of the lanes, from the first to the last.
    static double sum(FloatVector v) {
        float[] lanes = new float[LENGTH];
        v.intoArray(lanes, 0);
        double even = 0;
        double odd = 0;
        for (int i = 0; i < lanes.length; i += 2) {
            even += lanes[i];
            odd += lanes[i + 1];
        }
        return even + odd;
    }

    /// The sum of the lanes, by halves: faster than `sum`, and rounded to float32 at each step.
    static float total(FloatVector v) {
        FloatVector sum = v;
        if (LENGTH == 16) {
            sum = sum.add(sum.rearrange(BY_8));
        }
        if (LENGTH >= 8) {
            sum = sum.add(sum.rearrange(BY_4));
        }
        sum = sum.add(sum.rearrange(BY_2));
        return sum.add(sum.rearrange(BY_1)).lane(0);
    }

    private static VectorShuffle<Float> laneXor(int distance) {
        return VectorShuffle.fromOp(SPECIES, i -> (i ^ distance) % LENGTH);
    }

    /// Σ a ⊙ b over `width` elements from `ia` and `ib` on.
    static double dot(MemorySegment a, long ia, MemorySegment b, long ib, int width) {
        FloatVector s0 = all(0);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        for (; i <= width - 4 * LENGTH; i += 4 * LENGTH) {
            int j = i + LENGTH;
            int k = j + LENGTH;
            int l = k + LENGTH;
            s0 = load(a, ia + i).fma(load(b, ib + i), s0);
            s1 = load(a, ia + j).fma(load(b, ib + j), s1);
            s2 = load(a, ia + k).fma(load(b, ib + k), s2);
            s3 = load(a, ia + l).fma(load(b, ib + l), s3);
        }
        for (; i <= width - LENGTH; i += LENGTH) {
            s0 = load(a, ia + i).fma(load(b, ib + i), s0);
        }
        if (i < width) {
            var mask = tail(i, width);
            s1 = load(a, ia + i, mask).fma(load(b, ib + i, mask), s1);
        }
        return sum(s0.add(s1).add(s2.add(s3)));
    }

    static final FloatVector LOG2_E = all(1.442695f);
    static final FloatVector MINUS_LN2_HIGH = all(-0.6933594f);
    static final FloatVector MINUS_LN2_LOW = all(2.1219444e-4f);

    /// Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
    static final FloatVector ROUNDER = all(12582912f);

    static final FloatVector C7 = all(1.9875691e-4f);
    static final FloatVector C6 = all(1.3981999e-3f);
    static final FloatVector C5 = all(8.333452e-3f);
    static final FloatVector C4 = all(4.1665796e-2f);
    static final FloatVector C3 = all(1.6666666e-1f);
    static final FloatVector C2 = all(0.5f);
    static final FloatVector ONE = all(1);
    static final FloatVector ZERO = all(0);
    static final FloatVector INFINITY = all(Float.POSITIVE_INFINITY);
    static final FloatVector LOWEST = all(-87.33f);
    static final FloatVector HIGHEST = all(88.37f);
    static final IntVector ONE_BITS = ONE.reinterpretAsInts();

    /// e^x as 2ⁿ · e^r with n = round(x / ln 2) and |r| ≤ ln 2 / 2; the polynomial is that of
    /// Cephes' `expf`. Within 2 ulp; 0 below -87.33 (before denormals) and infinite above 88.37;
    /// NaN for NaN alone. Its constants are vectors because each broadcast uses up the compiler's
    /// budget for inlining, and a method over budget makes an object of every vector. For the same
    /// reason [RowPasses] has it written out once more.
    static FloatVector exp(FloatVector x) {
        FloatVector shifted = x.fma(LOG2_E, ROUNDER);
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector r = n.fma(MINUS_LN2_LOW, n.fma(MINUS_LN2_HIGH, x));
        FloatVector p = r.fma(C7, C6).fma(r, C5).fma(r, C4).fma(r, C3).fma(r, C2);
        p = p.fma(r.mul(r), r).add(ONE);
        FloatVector power =
                shifted.reinterpretAsInts()
                        .lanewise(VectorOperators.LSHL, 23)
                        .add(ONE_BITS)
                        .reinterpretAsFloats();
        return p.mul(power)
                .blend(ZERO, x.compare(VectorOperators.LT, LOWEST))
                .blend(INFINITY, x.compare(VectorOperators.GT, HIGHEST));
    }

    /// tanh x = 1 − 2/(e^2x + 1), and for |x| below 0.625, where that loses digits, the
    /// polynomial of Cephes' `tanhf`. Within 4 ulp.
    static FloatVector tanh(FloatVector x) {
        FloatVector far = all(1).sub(all(2).div(exp(x.add(x)).add(1)));
        return far.blend(tanhNearZero(x), x.abs().compare(VectorOperators.LT, 0.625f));
    }

    private static FloatVector tanhNearZero(FloatVector x) {
        FloatVector z = x.mul(x);
        FloatVector p = z.fma(all(-0.0057049887f), all(0.020639088f));
        p = p.fma(z, all(-0.053739715f)).fma(z, all(0.13331442f));
        return p.fma(z, all(-0.3333328f)).mul(z).fma(x, x);
    }
}
