package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// x ← cap · tanh(scale · x / cap), slope = scale · (1 − tanh²).
final class VectorSoftCap {
    private VectorSoftCap() {}

    static void apply(Tensor x, double scale, double cap, Tensor slopes) {
        long count = x.numel();
        var xs = Lanes.floats("softCap", x, count);
        var ss = slopes == null ? null : Lanes.floats("softCap", slopes, count);
        Workers.rows(count, 1, (from, to) -> apply(xs, ss, from, (int) (to - from), scale, cap));
    }

    /// Numbers from `at` on, on the calling thread.
    ///
    /// @param slopes written; null where nobody wants them
    static void apply(
            MemorySegment x, MemorySegment slopes, long at, int count, double scale, double cap) {
        float inner = (float) (scale / cap);
        if (slopes == null) {
            values(x, at, count, inner, (float) cap);
        } else {
            both(x, slopes, at, count, inner, (float) cap, (float) scale);
        }
    }

    private static void values(MemorySegment x, long at, int width, float inner, float cap) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            store(Lanes.tanh(load(x, at + i).mul(inner)).mul(cap), x, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            store(Lanes.tanh(load(x, at + i, mask).mul(inner)).mul(cap), x, at + i, mask);
        }
    }

    private static void both(
            MemorySegment x,
            MemorySegment slopes,
            long at,
            int width,
            float inner,
            float cap,
            float scale) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            FloatVector t = Lanes.tanh(load(x, at + i).mul(inner));
            store(t.mul(cap), x, at + i);
            store(slope(t, scale), slopes, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            FloatVector t = Lanes.tanh(load(x, at + i, mask).mul(inner));
            store(t.mul(cap), x, at + i, mask);
            store(slope(t, scale), slopes, at + i, mask);
        }
    }

    private static FloatVector slope(FloatVector t, float scale) {
        return t.mul(t).neg().add(all(1)).mul(scale);
    }
}
