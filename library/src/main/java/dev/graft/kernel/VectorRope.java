package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The rotation of each pair `(a, b) = (x[i], x[i + D/2])` by the angle of its position:
/// `(a·c − b·s, b·c + a·s)`; backward by the opposite angle, `(a·c + b·s, b·c − a·s)`.
final class VectorRope {
    private VectorRope() {}

    /// [T, N·D] to [N, T, D].
    static void forward(Tensor x, Tensor cos, Tensor sin, Tensor out) {
        var shape = new Heads(out);
        var xs = Lanes.floats("rope", x, out.numel());
        var outs = Lanes.floats("rope", out, out.numel());
        var cs = Lanes.floats("rope", cos, shape.tokens * shape.half);
        var ss = Lanes.floats("rope", sin, shape.tokens * shape.half);
        Workers.rows(
                shape.tokens,
                shape.heads * 2 * shape.half,
                (from, to) -> {
                    for (long t = from; t < to; t++) {
                        for (long n = 0; n < shape.heads; n++) {
                            long source = shape.tokenMajor(t, n);
                            long target = shape.headMajor(t, n);
                            rotate(xs, source, cs, ss, t * shape.half, outs, target, shape.half);
                        }
                    }
                });
    }

    /// [N, T, D] to [T, N·D].
    static void backward(Tensor dOut, Tensor cos, Tensor sin, Tensor dx) {
        var shape = new Heads(dOut);
        var douts = Lanes.floats("ropeBackward", dOut, dOut.numel());
        var dxs = Lanes.floats("ropeBackward", dx, dOut.numel());
        var cs = Lanes.floats("ropeBackward", cos, shape.tokens * shape.half);
        var ss = Lanes.floats("ropeBackward", sin, shape.tokens * shape.half);
        Workers.rows(
                shape.tokens,
                shape.heads * 2 * shape.half,
                (from, to) -> {
                    for (long t = from; t < to; t++) {
                        for (long n = 0; n < shape.heads; n++) {
                            long source = shape.headMajor(t, n);
                            long target = shape.tokenMajor(t, n);
                            unrotate(
                                    douts, source, cs, ss, t * shape.half, dxs, target, shape.half);
                        }
                    }
                });
    }

    /// Where a head of a token lies in either order.
    private static final class Heads {
        final long heads;
        final long tokens;
        final int half;

        Heads(Tensor headMajor) {
            heads = headMajor.size(0);
            tokens = headMajor.size(1);
            half = Math.toIntExact(headMajor.size(2) / 2);
            if (2L * half != headMajor.size(2)) {
                throw new IllegalArgumentException(
                        "rope: found heads of odd width in " + headMajor.describe());
            }
        }

        long tokenMajor(long t, long n) {
            return (t * heads + n) * 2 * half;
        }

        long headMajor(long t, long n) {
            return (n * tokens + t) * 2 * half;
        }
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
}
