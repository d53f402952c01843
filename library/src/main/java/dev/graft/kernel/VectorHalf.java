package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
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

    private static final VectorSpecies<Float> FLOATS = Lanes.SPECIES;
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
    private static final long VECTOR_BYTES = (long) LENGTH * Float.BYTES; // of floats
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int CHUNK = 4 * LENGTH; // numbers in two vectors of words
    private static final long CHUNK_BYTES = CHUNK * (long) Short.BYTES;
    private static final int UPPER_HALF = 0xffff0000;

    /// Of the loop over chunks at a time, as in [VectorFourBitRow]: half the speed from 9 turns on.
    private static final int TURNS = 6;

    /// 2¹¹², between the exponents' offsets of float32 and float16.
    private static final float REBIAS = 0x1p112f;

    private VectorHalf() {}

    /// @param w [out, in] BF16 or F16
    /// @param x [1, in]
    /// @param y [1, out], written
    static void product(Tensor w, Tensor x, Tensor y) {
        int in = Math.toIntExact(w.size(1));
        var values = w.segment();
        var xs = Lanes.floats("product", x, in);
        var ys = Lanes.floats("product", y, w.size(0));
        if (w.dtype() == DType.BF16 && in % CHUNK == 0) {
            try (var row = RowInWords.of(xs, in, 2, 0)) {
                Workers.rows(
                        w.size(0),
                        in,
                        (from, to) -> products(values, row.floats(), in, ys, from, to));
            }
        } else {
            boolean brain = w.dtype() == DType.BF16;
            Workers.rows(
                    w.size(0),
                    in,
                    (from, to) -> plainProducts(brain, values, xs, in, ys, from, to));
        }
    }

    /// out = half.
    ///
    /// @param half BF16
    static void widen(Tensor half, Tensor out) {
        var halves = half.segment();
        var floats = Lanes.floats("widen", out, half.numel());
        Workers.rows(half.numel(), 1, (from, to) -> widen(halves, floats, from, to));
    }

    static void widen(MemorySegment halves, MemorySegment floats, long from, long to) {
        int whole = (int) ((to - from) / LENGTH); // vectors
        for (int i = 0; i < whole; i++) {
            long at = from + (long) i * LENGTH;
            ShortVector.fromMemorySegment(SHORTS, halves, Short.BYTES * at, NATIVE)
                    .convertShape(ZERO_EXTEND_S2I, INTS, 0)
                    .lanewise(LSHL, 16)
                    .intoMemorySegment(floats, Float.BYTES * at, NATIVE);
        }
        for (long i = from + (long) whole * LENGTH; i < to; i++) {
            Lanes.set(floats, i, brainAt(halves, Short.BYTES * i));
        }
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
            store(load(sums, i).add(brain(halves, 2 * i)), sums, i);
        }
        for (; i < to; i++) {
            Lanes.set(sums, i, Lanes.get(sums, i) + brainAt(halves, 2 * i));
        }
    }

    private static float brainAt(MemorySegment m, long at) {
        return Float.intBitsToFloat(half(m, at) << 16);
    }

    private static IntVector bits(MemorySegment m, long at) {
        return (IntVector)
                ShortVector.fromMemorySegment(SHORTS, m, at, NATIVE)
                        .convertShape(ZERO_EXTEND_S2I, INTS, 0);
    }

    /// Longer than what the compiler inlines, as that of [VectorFourBitRow] is. A word is the first
    /// number shifted up and the second with the first behind it.
    ///
    /// @param vector [RowInWords]
    private static void products(
            MemorySegment matrix,
            MemorySegment vector,
            int in,
            MemorySegment y,
            long from,
            long to) {
        MemorySegment w = Lanes.exact(matrix);
        MemorySegment x = Lanes.exact(vector);
        int chunks = in / CHUNK;
        for (long row = from; row < to; row++) {
            FloatVector s0 = FloatVector.zero(FLOATS);
            FloatVector s1 = s0;
            FloatVector s2 = s0;
            FloatVector s3 = s0;
            long first = row * chunks;
            for (int part = 0; part < chunks; part += TURNS) {
                int end = Math.min(chunks, part + TURNS);
                for (int c = part; c < end; c++) {
                    long at = (first + c) * CHUNK_BYTES;
                    var a = IntVector.fromMemorySegment(INTS, w, at, LITTLE);
                    var b = IntVector.fromMemorySegment(INTS, w, at + VECTOR_BYTES, LITTLE);
                    long xs = 2 * CHUNK_BYTES * c;
                    var x0 = FloatVector.fromMemorySegment(FLOATS, x, xs, NATIVE);
                    var x1 = FloatVector.fromMemorySegment(FLOATS, x, xs + VECTOR_BYTES, NATIVE);
                    long ys = xs + 2 * VECTOR_BYTES;
                    var x2 = FloatVector.fromMemorySegment(FLOATS, x, ys, NATIVE);
                    var x3 = FloatVector.fromMemorySegment(FLOATS, x, ys + VECTOR_BYTES, NATIVE);
                    s0 = x0.fma(a.lanewise(LSHL, 16).reinterpretAsFloats(), s0);
                    s1 = x1.fma(a.and(UPPER_HALF).reinterpretAsFloats(), s1);
                    s2 = x2.fma(b.lanewise(LSHL, 16).reinterpretAsFloats(), s2);
                    s3 = x3.fma(b.and(UPPER_HALF).reinterpretAsFloats(), s3);
                }
            }
            Lanes.set(y, row, Lanes.total(s0.add(s1).add(s2.add(s3))));
        }
    }

    private static FloatVector brain(MemorySegment m, long at) {
        return bits(m, at).lanewise(LSHL, 16).reinterpretAsFloats();
    }

    private static void plainProducts(
            boolean brain,
            MemorySegment w,
            MemorySegment x,
            int in,
            MemorySegment y,
            long from,
            long to) {
        for (long row = from; row < to; row++) {
            long at = row * in * Short.BYTES;
            Lanes.set(y, row, brain ? brainDot(w, at, x, in) : dot(w, at, x, in));
        }
    }

    private static float brainDot(MemorySegment w, long at, MemorySegment x, int in) {
        FloatVector sum = all(0);
        int i = 0;
        for (; i <= in - LENGTH; i += LENGTH) {
            sum = brain(w, at + 2L * i).fma(load(x, i), sum);
        }
        float total = Lanes.total(sum);
        for (; i < in; i++) {
            total += brainAt(w, at + 2L * i) * Lanes.get(x, i);
        }
        return total;
    }

    private static float dot(MemorySegment w, long at, MemorySegment x, int in) {
        FloatVector sum = all(0);
        int i = 0;
        for (; i <= in - LENGTH; i += LENGTH) {
            sum = half(bits(w, at + 2L * i)).fma(load(x, i), sum);
        }
        float total = Lanes.total(sum);
        for (; i < in; i++) {
            total += Float.float16ToFloat(half(w, at + 2L * i)) * Lanes.get(x, i);
        }
        return total;
    }

    /// Float16 to float32: exponent and mantissa shifted into place and scaled by a power of two,
    /// which is exact for denormals too; infinite and NaN get the highest exponent.
    private static FloatVector half(IntVector h) {
        IntVector magnitude = h.and(0x7fff).lanewise(LSHL, 13);
        FloatVector scaled = magnitude.reinterpretAsFloats().mul(REBIAS);
        IntVector bits = scaled.reinterpretAsInts();
        bits =
                bits.blend(
                        magnitude.or(0x7f800000),
                        h.and(0x7c00).compare(VectorOperators.EQ, 0x7c00));
        return bits.or(h.and(0x8000).lanewise(LSHL, 16)).reinterpretAsFloats();
    }

    private static short half(MemorySegment m, long at) {
        return m.get(JAVA_SHORT_UNALIGNED, at);
    }
}
