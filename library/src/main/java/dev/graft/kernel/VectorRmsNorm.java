package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// y = x · s ⊙ (w + offset), s = 1 / √(mean(x²) + ε). With g = dy ⊙ (w + offset):
/// dx += s · (g − x · s² · mean(g ⊙ x)), dw += Σ_rows dy ⊙ x · s.
final class VectorRmsNorm {
    /// Rows whose contribution to dw is added up alone, before the blocks are added in order: the
    /// order of the sum must not depend on which thread took which rows.
    private static final int BLOCK = 32;

    private VectorRmsNorm() {}

    static void forward(
            Tensor x, Tensor weight, double offset, double epsilon, Tensor y, Tensor inverseRms) {
        long rows = x.size(0);
        int width = Math.toIntExact(x.size(1));
        var xs = Lanes.floats("rmsNorm", x, rows * width);
        var ws = Lanes.floats("rmsNorm", weight, width);
        var ys = Lanes.floats("rmsNorm", y, rows * width);
        var ss = Lanes.floats("rmsNorm", inverseRms, rows);
        Workers.rows(
                rows,
                width,
                (from, to) -> {
                    for (long row = from; row < to; row++) {
                        long at = row * width;
                        double mean = Lanes.dot(xs, at, xs, at, width) / width;
                        float s = (float) (1 / Math.sqrt(mean + epsilon));
                        Lanes.set(ss, row, s);
                        scaleRow(xs, ws, (float) offset, ys, at, width, s);
                    }
                });
    }

    private static void scaleRow(
            MemorySegment x,
            MemorySegment w,
            float offset,
            MemorySegment y,
            long at,
            int width,
            float s) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            store(load(x, at + i).mul(s).mul(load(w, i).add(offset)), y, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            store(load(x, at + i, mask).mul(s).mul(load(w, i, mask).add(offset)), y, at + i, mask);
        }
    }

    static void backward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            double offset,
            Tensor inverseRms,
            Tensor dx,
            Tensor dWeight) {
        String op = "rmsNormBackward";
        long rows = x.size(0);
        int width = Math.toIntExact(x.size(1));
        var dys = Lanes.floats(op, dy, rows * width);
        var xs = Lanes.floats(op, x, rows * width);
        var ws = Lanes.floats(op, weight, width);
        var ss = Lanes.floats(op, inverseRms, rows);
        var dxs = Lanes.floats(op, dx, rows * width);
        var dws = dWeight == null ? null : Lanes.floats(op, dWeight, width);
        int blocks = Math.toIntExact((rows + BLOCK - 1) / BLOCK);
        float[][] sums = dws == null ? null : new float[blocks][];
        Workers.rows(
                blocks,
                (long) BLOCK * width,
                (from, to) -> {
                    for (int block = (int) from; block < to; block++) {
                        float[] sum = sums == null ? null : new float[width];
                        long end = Math.min(rows, (block + 1L) * BLOCK);
                        for (long row = (long) block * BLOCK; row < end; row++) {
                            long at = row * width;
                            float s = Lanes.get(ss, row);
                            double mean = tripleDot(dys, xs, ws, (float) offset, at, width) / width;
                            float slope = (float) (mean * s * s);
                            inputRow(dys, xs, ws, (float) offset, dxs, at, width, s, slope);
                            if (sum != null) {
                                weightRow(dys, xs, sum, at, s);
                            }
                        }
                        if (sums != null) {
                            sums[block] = sum;
                        }
                    }
                });
        if (dws != null) {
            addInOrder(sums, dws, width);
        }
    }

    /// Σ dy ⊙ w ⊙ x over one row.
    private static double tripleDot(
            MemorySegment dy, MemorySegment x, MemorySegment w, float offset, long at, int width) {
        FloatVector s0 = all(0);
        FloatVector s1 = s0;
        int i = 0;
        for (; i <= width - 2 * LENGTH; i += 2 * LENGTH) {
            int j = i + LENGTH;
            s0 = load(dy, at + i).mul(load(w, i).add(offset)).fma(load(x, at + i), s0);
            s1 = load(dy, at + j).mul(load(w, j).add(offset)).fma(load(x, at + j), s1);
        }
        for (; i < width; i += LENGTH) {
            var mask = Lanes.tail(i, width);
            FloatVector g = load(dy, at + i, mask).mul(load(w, i, mask).add(offset));
            s0 = g.fma(load(x, at + i, mask), s0);
        }
        return Lanes.sum(s0.add(s1));
    }

    private static void inputRow(
            MemorySegment dy,
            MemorySegment x,
            MemorySegment w,
            float offset,
            MemorySegment dx,
            long at,
            int width,
            float s,
            float slope) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            FloatVector g = load(dy, at + i).mul(load(w, i).add(offset));
            FloatVector inner = load(x, at + i).fma(all(-slope), g);
            store(inner.fma(all(s), load(dx, at + i)), dx, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            FloatVector g = load(dy, at + i, mask).mul(load(w, i, mask).add(offset));
            FloatVector inner = load(x, at + i, mask).fma(all(-slope), g);
            store(inner.fma(all(s), load(dx, at + i, mask)), dx, at + i, mask);
        }
    }

    private static void weightRow(
            MemorySegment dy, MemorySegment x, float[] sum, long at, float s) {
        int i = 0;
        for (; i <= sum.length - LENGTH; i += LENGTH) {
            FloatVector before = FloatVector.fromArray(Lanes.SPECIES, sum, i);
            load(x, at + i).mul(s).fma(load(dy, at + i), before).intoArray(sum, i);
        }
        for (; i < sum.length; i++) {
            sum[i] = Math.fma(Lanes.get(x, at + i) * s, Lanes.get(dy, at + i), sum[i]);
        }
    }

    private static void addInOrder(float[][] sums, MemorySegment dw, int width) {
        for (int i = 0; i < width; i++) {
            double sum = 0;
            for (float[] block : sums) {
                sum += block[i];
            }
            Lanes.set(dw, i, (float) (Lanes.get(dw, i) + sum));
        }
    }
}
