package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Values of int8 codes with a maximum a row.
final class VectorInt8 {
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 8 * LENGTH)));
    private static final boolean VECTORS = BYTES.length() == LENGTH;

    private VectorInt8() {}

    private static FloatVector values(MemorySegment codes, long element) {
        return (FloatVector)
                ByteVector.fromMemorySegment(BYTES, codes, element, ByteOrder.nativeOrder())
                        .convertShape(VectorOperators.B2F, Lanes.SPECIES, 0);
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
        Workers.rows(
                w.out(),
                in,
                (from, to) -> {
                    for (long row = from; row < to; row++) {
                        double scale = (double) Lanes.get(maxima, row) * Int8Matrix.STEP;
                        Lanes.set(ys, row, (float) (dot(codes, row * in, xs, in) * scale));
                    }
                });
    }

    private static double dot(MemorySegment codes, long at, MemorySegment x, int in) {
        FloatVector s0 = all(0);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        if (VECTORS) {
            for (; i <= in - 4 * LENGTH; i += 4 * LENGTH) {
                int j = i + LENGTH;
                int k = j + LENGTH;
                int l = k + LENGTH;
                s0 = values(codes, at + i).fma(load(x, i), s0);
                s1 = values(codes, at + j).fma(load(x, j), s1);
                s2 = values(codes, at + k).fma(load(x, k), s2);
                s3 = values(codes, at + l).fma(load(x, l), s3);
            }
            for (; i <= in - LENGTH; i += LENGTH) {
                s0 = values(codes, at + i).fma(load(x, i), s0);
            }
        }
        double total = Lanes.sum(s0.add(s1).add(s2.add(s3)));
        for (; i < in; i++) {
            total += (double) value(codes, at + i) * Lanes.get(x, i);
        }
        return total;
    }
}
