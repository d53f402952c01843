package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.store;
import static jdk.incubator.vector.VectorOperators.B2F;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Values of int8 codes with a maximum a row.
final class VectorInt8 {
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 8 * LENGTH)));
    private static final VectorSpecies<Float> FLOATS = Lanes.SPECIES;
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
    private static final long VECTOR_BYTES = (long) LENGTH * Float.BYTES; // of x
    private static final long FOUR = 4L * LENGTH;
    private static final boolean VECTORS = BYTES.length() == LENGTH;

    /// Of the loop over codes at a time, as in [VectorFourBitRow]: less than half the speed from 29
    /// turns on.
    private static final int TURNS = 24;

    private VectorInt8() {}

    private static FloatVector values(MemorySegment codes, long element) {
        return (FloatVector)
                ByteVector.fromMemorySegment(BYTES, codes, element, NATIVE)
                        .convertShape(B2F, FLOATS, 0);
    }

    private static float value(MemorySegment codes, long element) {
        return codes.get(ValueLayout.JAVA_BYTE, element);
    }

    /// out = rows `row` and following of W. [R, in]
    static void expand(Int8Matrix w, long row, Tensor out) {
        int in = (int) w.in();
        var codes = w.codes().segment();
        var maxima = w.maxima().segment();
        var target = Lanes.floats("expand", out, out.size(0) * in);
        Workers.rows(
                out.size(0),
                in,
                (from, to) -> {
                    for (long r = from; r < to; r++) {
                        expandRow(
                                codes,
                                (row + r) * in,
                                Lanes.get(maxima, row + r),
                                target,
                                r * in,
                                in);
                    }
                });
    }

    private static void expandRow(
            MemorySegment codes, long at, float maximum, MemorySegment out, long to, int in) {
        int i = 0;
        if (VECTORS) {
            for (; i <= in - LENGTH; i += LENGTH) {
                store(values(codes, at + i).mul(maximum).mul(Int8Matrix.STEP), out, to + i);
            }
        }
        for (; i < in; i++) {
            Lanes.set(out, to + i, value(codes, at + i) * maximum * Int8Matrix.STEP);
        }
    }

    /// y = x · Wᵀ for one row, straight from the codes.
    ///
    /// @param x [1, in]
    /// @param y [1, out], written
    static void product(Int8Matrix w, Tensor x, Tensor y) {
        int in = (int) w.in();
        var codes = w.codes().segment();
        var maxima = w.maxima().segment();
        var xs = Lanes.floats("product", x, in);
        var ys = Lanes.floats("product", y, w.out());
        Workers.rows(w.out(), in, (from, to) -> products(codes, maxima, xs, in, ys, from, to));
    }

    /// Longer than what the compiler inlines, as that of [VectorFourBitRow] is.
    private static void products(
            MemorySegment matrix,
            MemorySegment maxima,
            MemorySegment vector,
            long in,
            MemorySegment y,
            long from,
            long to) {
        MemorySegment codes = Lanes.exact(matrix);
        MemorySegment x = Lanes.exact(vector);
        int fours = VECTORS ? (int) (in / FOUR) : 0;
        int whole = VECTORS ? (int) (in / LENGTH) : 0; // vectors
        for (long row = from; row < to; row++) {
            FloatVector s0 = FloatVector.zero(FLOATS);
            FloatVector s1 = s0;
            FloatVector s2 = s0;
            FloatVector s3 = s0;
            long first = row * in;
            for (int part = 0; part < fours; part += TURNS) {
                int end = Math.min(fours, part + TURNS);
                for (int i = part; i < end; i++) {
                    long at = first + FOUR * i;
                    var c0 = ByteVector.fromMemorySegment(BYTES, codes, at, NATIVE);
                    var c1 = ByteVector.fromMemorySegment(BYTES, codes, at + LENGTH, NATIVE);
                    var c2 = ByteVector.fromMemorySegment(BYTES, codes, at + 2L * LENGTH, NATIVE);
                    var c3 = ByteVector.fromMemorySegment(BYTES, codes, at + 3L * LENGTH, NATIVE);
                    long xs = 4 * VECTOR_BYTES * i;
                    var x0 = FloatVector.fromMemorySegment(FLOATS, x, xs, NATIVE);
                    var x1 = FloatVector.fromMemorySegment(FLOATS, x, xs + VECTOR_BYTES, NATIVE);
                    var x2 =
                            FloatVector.fromMemorySegment(FLOATS, x, xs + 2 * VECTOR_BYTES, NATIVE);
                    var x3 =
                            FloatVector.fromMemorySegment(FLOATS, x, xs + 3 * VECTOR_BYTES, NATIVE);
                    s0 = x0.fma(c0.convertShape(B2F, FLOATS, 0), s0);
                    s1 = x1.fma(c1.convertShape(B2F, FLOATS, 0), s1);
                    s2 = x2.fma(c2.convertShape(B2F, FLOATS, 0), s2);
                    s3 = x3.fma(c3.convertShape(B2F, FLOATS, 0), s3);
                }
            }
            for (int i = 4 * fours; i < whole; i++) {
                var c =
                        ByteVector.fromMemorySegment(
                                BYTES, codes, first + (long) i * LENGTH, NATIVE);
                var x0 = FloatVector.fromMemorySegment(FLOATS, x, VECTOR_BYTES * i, NATIVE);
                s0 = x0.fma(c.convertShape(B2F, FLOATS, 0), s0);
            }
            double sum = Lanes.total(s0.add(s1).add(s2.add(s3)));
            double rest = rest(codes, first, x, (long) whole * LENGTH, in);
            double scale = (double) Lanes.get(maxima, row) * Int8Matrix.STEP;
            Lanes.set(y, row, (float) ((sum + rest) * scale));
        }
    }

    /// The sum from an element on.
    private static double rest(MemorySegment codes, long at, MemorySegment x, long from, long in) {
        double total = 0;
        for (long i = from; i < in; i++) {
            total += (double) value(codes, at + i) * Lanes.get(x, i);
        }
        return total;
    }
}
