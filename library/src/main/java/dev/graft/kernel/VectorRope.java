package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The rotation of each pair `(a, b) = (x[i], x[i + R/2])` by the angle of its position:
/// `(a·c − b·s, b·c + a·s)`; backward by the opposite angle, `(a·c + b·s, b·c − a·s)`.
final class VectorRope {
    private VectorRope() {}

    /// [T, N·D] to [N, T, D].
    static void forward(Tensor x, Tensor cos, Tensor sin, boolean neighbours, Tensor out) {
        var shape = new Heads("rope", x, cos, out);
        var xs = Lanes.rows("rope", x, shape.tokens, shape.heads * shape.width);
        var outs = Lanes.floats("rope", out, out.numel());
        var cs = shape.angles(cos);
        var ss = shape.angles(sin);
        shape.each(
                (t, n) -> {
                    long source = shape.tokenMajor(t, n);
                    long target = shape.headMajor(t, n);
                    if (cs != null && neighbours) {
                        rotateNeighbours(
                                xs, source, cs, ss, t * shape.half, outs, target, shape.half);
                    } else if (cs != null) {
                        rotate(xs, source, cs, ss, t * shape.half, outs, target, shape.half);
                    }
                    shape.copyRest(xs, source, outs, target);
                });
    }

    /// [N, T, D] to [T, N·D].
    static void backward(Tensor dOut, Tensor cos, Tensor sin, boolean neighbours, Tensor dx) {
        var shape = new Heads("ropeBackward", dx, cos, dOut);
        var douts = Lanes.floats("ropeBackward", dOut, dOut.numel());
        var dxs = Lanes.rows("ropeBackward", dx, shape.tokens, shape.heads * shape.width);
        var cs = shape.angles(cos);
        var ss = shape.angles(sin);
        shape.each(
                (t, n) -> {
                    long source = shape.headMajor(t, n);
                    long target = shape.tokenMajor(t, n);
                    if (cs != null && neighbours) {
                        unrotateNeighbours(
                                douts, source, cs, ss, t * shape.half, dxs, target, shape.half);
                    } else if (cs != null) {
                        unrotate(douts, source, cs, ss, t * shape.half, dxs, target, shape.half);
                    }
                    shape.copyRest(douts, source, dxs, target);
                });
    }

    /// Where a head of a token lies in either order.
    private static final class Heads {
        final String op;
        final long heads;
        final long tokens;
        final long width;
        final long stride;
        final int half;

        Heads(String op, Tensor tokenMajor, Tensor cos, Tensor headMajor) {
            this.op = op;
            heads = headMajor.size(0);
            tokens = headMajor.size(1);
            width = headMajor.size(2);
            stride = tokenMajor.stride(0);
            half = cos == null ? 0 : Math.toIntExact(cos.size(1));
            if (2L * half > width) {
                throw new IllegalArgumentException(
                        "%s: found %d angles for heads of %s"
                                .formatted(op, half, headMajor.describe()));
            }
        }

        MemorySegment angles(Tensor table) {
            return table == null ? null : Lanes.floats(op, table, tokens * half);
        }

        long tokenMajor(long t, long n) {
            return t * stride + n * width;
        }

        long headMajor(long t, long n) {
            return (n * tokens + t) * width;
        }

        void each(HeadAction action) {
            Workers.rows(
                    tokens,
                    heads * width,
                    (from, to) -> {
                        for (long t = from; t < to; t++) {
                            for (long n = 0; n < heads; n++) {
                                action.run(t, n);
                            }
                        }
                    });
        }

        /// The numbers of a head that are not rotated.
        void copyRest(MemorySegment from, long source, MemorySegment to, long target) {
            long rest = width - 2L * half;
            if (rest > 0) {
                MemorySegment.copy(
                        from,
                        (source + 2L * half) * Float.BYTES,
                        to,
                        (target + 2L * half) * Float.BYTES,
                        rest * Float.BYTES);
            }
        }
    }

    private interface HeadAction {
        void run(long token, long head);
    }

    private static void rotate(
            MemorySegment x,
            long source,
            MemorySegment cos,
            MemorySegment sin,
            long angle,
            MemorySegment out,
            long target,
            int half) {
        int i = 0;
        for (; i <= half - LENGTH; i += LENGTH) {
            FloatVector a = load(x, source + i);
            FloatVector b = load(x, source + half + i);
            FloatVector c = load(cos, angle + i);
            FloatVector s = load(sin, angle + i);
            store(a.mul(c).sub(b.mul(s)), out, target + i);
            store(b.mul(c).add(a.mul(s)), out, target + half + i);
        }
        if (i < half) {
            var mask = Lanes.tail(i, half);
            FloatVector a = load(x, source + i, mask);
            FloatVector b = load(x, source + half + i, mask);
            FloatVector c = load(cos, angle + i, mask);
            FloatVector s = load(sin, angle + i, mask);
            store(a.mul(c).sub(b.mul(s)), out, target + i, mask);
            store(b.mul(c).add(a.mul(s)), out, target + half + i, mask);
        }
    }

    private static void unrotate(
            MemorySegment dOut,
            long source,
            MemorySegment cos,
            MemorySegment sin,
            long angle,
            MemorySegment dx,
            long target,
            int half) {
        int i = 0;
        for (; i <= half - LENGTH; i += LENGTH) {
            FloatVector a = load(dOut, source + i);
            FloatVector b = load(dOut, source + half + i);
            FloatVector c = load(cos, angle + i);
            FloatVector s = load(sin, angle + i);
            store(a.mul(c).add(b.mul(s)), dx, target + i);
            store(b.mul(c).sub(a.mul(s)), dx, target + half + i);
        }
        if (i < half) {
            var mask = Lanes.tail(i, half);
            FloatVector a = load(dOut, source + i, mask);
            FloatVector b = load(dOut, source + half + i, mask);
            FloatVector c = load(cos, angle + i, mask);
            FloatVector s = load(sin, angle + i, mask);
            store(a.mul(c).add(b.mul(s)), dx, target + i, mask);
            store(b.mul(c).sub(a.mul(s)), dx, target + half + i, mask);
        }
    }

    private static void rotateNeighbours(
            MemorySegment x,
            long source,
            MemorySegment cos,
            MemorySegment sin,
            long angle,
            MemorySegment out,
            long target,
            int half) {
        for (int i = 0; i < half; i++) {
            float a = Lanes.get(x, source + 2L * i);
            float b = Lanes.get(x, source + 2L * i + 1);
            float c = Lanes.get(cos, angle + i);
            float s = Lanes.get(sin, angle + i);
            Lanes.set(out, target + i, a * c - b * s);
            Lanes.set(out, target + half + i, b * c + a * s);
        }
    }

    private static void unrotateNeighbours(
            MemorySegment dOut,
            long source,
            MemorySegment cos,
            MemorySegment sin,
            long angle,
            MemorySegment dx,
            long target,
            int half) {
        for (int i = 0; i < half; i++) {
            float a = Lanes.get(dOut, source + i);
            float b = Lanes.get(dOut, source + half + i);
            float c = Lanes.get(cos, angle + i);
            float s = Lanes.get(sin, angle + i);
            Lanes.set(dx, target + 2L * i, a * c + b * s);
            Lanes.set(dx, target + 2L * i + 1, b * c - a * s);
        }
    }
}
