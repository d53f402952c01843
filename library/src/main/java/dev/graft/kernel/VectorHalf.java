package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Numbers of bfloat16 or float16, read once and never stored in another type: the product of one
/// row with a matrix of them, and a sum.
final class VectorHalf {
    private static final VectorSpecies<Integer> INTS = Lanes.SPECIES.withLanes(int.class);
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(16 * LENGTH));

    /// 2¹¹², between the exponents' offsets of float32 and float16.
    private static final float REBIAS = 0x1p112f;

    private VectorHalf() {}

    /// @param w [out, in] BF16 or F16
    /// @param x [1, in]
    /// @param y [1, out], written
    static void product(Tensor w, Tensor x, Tensor y) {
        int in = Math.toIntExact(w.size(1));
        var values = w.segment();
        float[] row = Lanes.floats("product", x, in).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        var ys = Lanes.floats("product", y, w.size(0));
        boolean brain = w.dtype() == DType.BF16;
        Workers.rows(
                w.size(0),
                in,
                (from, to) -> {
                    for (long r = from; r < to; r++) {
                        float sum =
                                brain ? brainDot(values, r * in, row) : dot(values, r * in, row);
                        Lanes.set(ys, r, sum);
                    }
                });
    }

    /// sum += half.
    ///
    /// @param half BF16
    static void add(Tensor half, Tensor sum) {
        long count = half.numel();
        if (half.dtype() != DType.BF16) {
            throw new IllegalArgumentException(
                    "addHalf: found %s, expected BF16".formatted(half.describe()));
        }
        var halves = half.segment();
        var sums = Lanes.floats("addHalf", sum, count);
        Workers.rows(count, 1, (from, to) -> add(halves, sums, from, to));
    }

    private static void add(MemorySegment halves, MemorySegment sums, long from, long to) {
        long i = from;
        for (; i <= to - LENGTH; i += LENGTH) {
            store(load(sums, i).add(brain(halves, i)), sums, i);
        }
        for (; i < to; i++) {
            Lanes.set(sums, i, Lanes.get(sums, i) + brainAt(halves, i));
        }
    }

    private static float brainAt(MemorySegment m, long element) {
        return Float.intBitsToFloat(half(m, element) << 16);
    }

    private static IntVector bits(MemorySegment m, long element) {
        return (IntVector)
                ShortVector.fromMemorySegment(SHORTS, m, 2 * element, ByteOrder.nativeOrder())
                        .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    }

    private static float brainDot(MemorySegment w, long at, float[] x) {
        FloatVector even = all(0);
        FloatVector odd = even;
        int i = 0;
        for (; i <= x.length - 2 * LENGTH; i += 2 * LENGTH) {
            even = brain(w, at + i).fma(load(x, i), even);
            odd = brain(w, at + i + LENGTH).fma(load(x, i + LENGTH), odd);
        }
        float sum = Lanes.total(even.add(odd));
        for (; i < x.length; i++) {
            sum += brainAt(w, at + i) * x[i];
        }
        return sum;
    }

    private static FloatVector brain(MemorySegment m, long element) {
        return bits(m, element).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static float dot(MemorySegment w, long at, float[] x) {
        FloatVector sum = all(0);
        int i = 0;
        for (; i <= x.length - LENGTH; i += LENGTH) {
            sum = half(bits(w, at + i)).fma(load(x, i), sum);
        }
        float total = Lanes.total(sum);
        for (; i < x.length; i++) {
            total += Float.float16ToFloat(half(w, at + i)) * x[i];
        }
        return total;
    }

    /// Float16 to float32: exponent and mantissa shifted into place and scaled by a power of two,
    /// which is exact for denormals too; infinite and NaN get the highest exponent.
    private static FloatVector half(IntVector h) {
        IntVector magnitude = h.and(0x7fff).lanewise(VectorOperators.LSHL, 13);
        FloatVector scaled = magnitude.reinterpretAsFloats().mul(REBIAS);
        IntVector bits = scaled.reinterpretAsInts();
        bits =
                bits.blend(
                        magnitude.or(0x7f800000),
                        h.and(0x7c00).compare(VectorOperators.EQ, 0x7c00));
        return bits.or(h.and(0x8000).lanewise(VectorOperators.LSHL, 16)).reinterpretAsFloats();
    }

    private static short half(MemorySegment m, long element) {
        return m.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * element);
    }
}
