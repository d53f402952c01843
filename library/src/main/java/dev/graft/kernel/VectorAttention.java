package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.kernel.AttentionBlocks.Block;
import dev.graft.tensor.Blas;
import dev.graft.tensor.Blas.Matrix;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/// Attention a block of rows and a head at a time on each thread, so that its scores stay in the
/// cache of a processor.
///
/// The backward pass makes the probabilities of a block again from the log-sums (Dao et al. 2022).
/// It goes through the blocks of a head in order, and adds up the query heads that share a key head
/// at the end: sums do not depend on the number of threads.
final class VectorAttention {
    private final AttentionInput in;
    private final AttentionBlocks blocks;
    private final int width;
    private final float scale;

    private VectorAttention(AttentionInput in) {
        this.in = in;
        this.blocks = new AttentionBlocks(in);
        this.width = in.width();
        this.scale = (float) in.rule().softmaxScale();
    }

    static void forward(AttentionInput in, Tensor out, Tensor logSums, Tensor scratch) {
        new VectorAttention(in).forward(out, logSums, new ThreadScratch(scratch));
    }

    private void forward(Tensor out, Tensor logSums, ThreadScratch scratch) {
        var sums = Lanes.floats("attention", logSums, (long) in.heads() * in.rows());
        Matrix outs = AttentionBlocks.tokenMajor(out);
        List<Block> all = new ArrayList<>();
        for (int s = 0; s < in.sequences(); s++) {
            all.addAll(blocks.of(s));
        }
        int heads = in.heads();
        Blas.alone(
                () ->
                        scratch.each(
                                (long) all.size() * heads,
                                (task, buffers) -> {
                                    // The last blocks of a sequence are the largest: they come
                                    // first.
                                    Block b = all.get(all.size() - 1 - (int) (task / heads));
                                    forward(b, (int) (task % heads), buffers[0], outs, sums);
                                }));
    }

    private void forward(
            Block b, int head, MemorySegment scores, Matrix outs, MemorySegment logSums) {
        blocks.scores(b, head, scores, null);
        for (int i = 0; i < b.height(); i++) {
            int end = b.end(i);
            long at = (long) i * b.columns();
            float sum =
                    VectorSoftmax.forward(scores, at, blocks.first(end), end, b.columns(), scale);
            Lanes.set(logSums, sumOf(head, b, i), sum);
        }
        Matrix out = blocks.rows(outs, b, head);
        Matrix values = blocks.values(b, head);
        Blas.multiply(
                b.height(), width, b.columns(), AttentionBlocks.matrix(scores, b), values, 0, out);
    }

    private long sumOf(int head, Block b, int row) {
        return (long) head * in.rows() + b.row() + row;
    }

    // ---- backward ----

    /// What the backward pass reads and writes besides the inputs.
    ///
    /// @param outs [T, N·D]
    /// @param dOuts [T, N·D]
    /// @param logSums [N, T]
    /// @param dq [N, T, D], written
    /// @param dKeys [N, T, D], written: gradients of the keys, of each query head
    /// @param dValues [N, T, D], written: those of the values
    private record Gradients(
            MemorySegment outs,
            MemorySegment dOuts,
            MemorySegment logSums,
            MemorySegment dq,
            MemorySegment dKeys,
            MemorySegment dValues) {}

    static void backward(
            AttentionInput in,
            Tensor out,
            Tensor logSums,
            Tensor dOut,
            Tensor dq,
            Tensor dk,
            Tensor dv,
            Tensor scratch) {
        var attention = new VectorAttention(in);
        long numbers = (long) in.heads() * in.rows() * in.width();
        try (var _ = Scope.open("attention backward")) {
            var g =
                    new Gradients(
                            Lanes.floats("attention", out, numbers),
                            Lanes.floats("attention", dOut, numbers),
                            Lanes.floats("attention", logSums, (long) in.heads() * in.rows()),
                            Lanes.floats("attention", dq, numbers),
                            Tensor.empty(DType.F32, numbers).segment(),
                            Tensor.empty(DType.F32, numbers).segment());
            attention.backward(g, new ThreadScratch(scratch));
            attention.addUp(g, dk, dv);
        }
    }

    private void backward(Gradients g, ThreadScratch scratch) {
        int heads = in.heads();
        Blas.alone(
                () ->
                        scratch.each(
                                (long) in.sequences() * heads,
                                (task, buffers) ->
                                        backward(
                                                (int) (task / heads),
                                                (int) (task % heads),
                                                buffers,
                                                g)));
    }

    private void addUp(Gradients g, Tensor dk, Tensor dv) {
        long all = (long) in.keyHeads() * in.rows() * width;
        addUp(g.dKeys, Lanes.floats("attention", dk, all), width, (long) in.rows() * width);
        addUp(g.dValues, Lanes.floats("attention", dv, all), (long) in.keyHeads() * width, width);
    }

    /// Adds up the query heads that share a key head.
    ///
    /// @param perHead [N, T, D]
    /// @param row numbers from a row of the result to the next
    /// @param head numbers from a head of the result to the next
    private void addUp(MemorySegment perHead, MemorySegment sums, long row, long head) {
        int group = in.group();
        long rows = in.rows();
        Workers.rows(
                in.keyHeads() * rows,
                (long) group * width,
                (from, to) -> {
                    for (long r = from; r < to; r++) {
                        long source = (r / rows * group * rows + r % rows) * width;
                        addRows(
                                perHead,
                                source,
                                rows * width,
                                sums,
                                r / rows * head + r % rows * row);
                    }
                });
    }

    /// The sum of as many rows as a group has heads, `apart` numbers from each other.
    private void addRows(MemorySegment rows, long at, long apart, MemorySegment sum, long to) {
        int group = in.group();
        for (int i = 0; i < width; i += LENGTH) {
            var mask = Lanes.tail(i, width);
            FloatVector total = load(rows, at + i, mask);
            for (int j = 1; j < group; j++) {
                total = total.add(load(rows, at + j * apart + i, mask));
            }
            store(total, sum, to + i, mask);
        }
    }

    /// A head of a sequence.
    private void backward(int sequence, int head, MemorySegment[] buffers, Gradients g) {
        long own = ((long) head * in.rows() + in.start(sequence)) * width;
        int numbers = in.length(sequence) * width;
        RowPasses.zero(g.dKeys, own, 0, numbers);
        RowPasses.zero(g.dValues, own, 0, numbers);
        for (Block b : blocks.of(sequence)) {
            backward(b, head, buffers, g);
        }
    }

    /// dV += Pᵀ·dO, dP = dO·Vᵀ, dS = P ⊙ (dP − Σ dO ⊙ O) · scale, dK += dSᵀ·Q, dQ = dS·K.
    private void backward(Block b, int head, MemorySegment[] buffers, Gradients g) {
        MemorySegment p = buffers[0];
        MemorySegment ds = buffers[1];
        MemorySegment slopes = in.rule().softCap() > 0 ? buffers[2] : null;
        blocks.scores(b, head, p, slopes);
        for (int i = 0; i < b.height(); i++) {
            int end = b.end(i);
            float sum = Lanes.get(g.logSums, sumOf(head, b, i));
            long at = (long) i * b.columns();
            VectorSoftmax.again(p, at, blocks.first(end), end, b.columns(), scale, sum);
        }
        Matrix dOut = blocks.rows(matrix(g.dOuts, in.heads() * width), b, head);
        long column = ((long) head * in.rows() + b.column()) * width;
        int columns = b.columns();
        int height = b.height();
        Matrix dValues = matrix(g.dValues, width).at(column);
        Blas.multiply(columns, width, height, AttentionBlocks.matrix(p, b).t(), dOut, 1, dValues);
        Blas.multiply(
                height,
                columns,
                width,
                dOut,
                blocks.values(b, head).t(),
                0,
                AttentionBlocks.matrix(ds, b));
        for (int i = 0; i < height; i++) {
            long own = ((long) (b.row() + i) * in.heads() + head) * width;
            float delta = (float) Lanes.dot(g.dOuts, own, g.outs, own, width);
            VectorSoftmax.backwardRow(p, ds, (long) i * columns, columns, delta, scale);
        }
        if (slopes != null) {
            RowPasses.multiply(ds, slopes, height * columns);
        }
        Matrix dKeys = matrix(g.dKeys, width).at(column);
        Blas.multiply(
                columns,
                width,
                height,
                AttentionBlocks.matrix(ds, b).t(),
                blocks.queries(b, head),
                1,
                dKeys);
        Matrix dq = matrix(g.dq, width).at(sumOf(head, b, 0) * width);
        Blas.multiply(
                height, width, columns, AttentionBlocks.matrix(ds, b), blocks.keys(b, head), 0, dq);
    }

    private static Matrix matrix(MemorySegment memory, int stride) {
        return new Matrix(memory.address(), stride);
    }
}
