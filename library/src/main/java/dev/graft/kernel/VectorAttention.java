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
import java.util.function.IntFunction;
import jdk.incubator.vector.FloatVector;

/// Attention a block of rows and a key head at a time on each thread, so that its scores stay in
/// the cache of a processor.
///
/// The backward pass makes the probabilities of a block again from the log-sums (Dao et al. 2022).
/// Gradients of a key head come from several parts of the blocks, each in order, which are added up
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
        int heads = in.keyHeads();
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
            Block b, int keyHead, MemorySegment scores, Matrix outs, MemorySegment logSums) {
        int group = in.group();
        int height = b.height();
        Matrix q = blocks.stack(b, keyHead, head -> blocks.queries(b, head), scores);
        blocks.scores(b, keyHead, q, scores, null);
        for (int i = 0; i < group * height; i++) {
            int end = b.end(i % height);
            long at = (long) i * b.columns();
            float sum =
                    VectorSoftmax.forward(scores, at, blocks.first(end), end, b.columns(), scale);
            Lanes.set(logSums, sumOf(keyHead * group + i / height, b, i % height), sum);
        }
        IntFunction<Matrix> rows = head -> blocks.rows(outs, b, head);
        Matrix out = blocks.stackOf(keyHead, rows, scores);
        Matrix p = AttentionBlocks.matrix(scores, b);
        Matrix values = blocks.values(b, keyHead);
        Blas.multiply(group * height, width, b.columns(), p, values, 0, out);
        blocks.unstack(b, keyHead, out, rows);
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
    /// @param dKeys [N, T, D], written: gradients of the keys, of each part of the blocks
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

    /// Adds up the parts of a key head.
    ///
    /// @param parts [N, T, D]
    /// @param row numbers from a row of the result to the next
    /// @param head numbers from a head of the result to the next
    private void addUp(MemorySegment parts, MemorySegment sums, long row, long head) {
        int group = in.group();
        long rows = in.rows();
        Workers.rows(
                in.keyHeads() * rows,
                (long) group * width,
                (from, to) -> {
                    for (long r = from; r < to; r++) {
                        long source = (r / rows * group * rows + r % rows) * width;
                        addRows(
                                parts,
                                source,
                                rows * width,
                                sums,
                                r / rows * head + r % rows * row);
                    }
                });
    }

    /// The sum of a row of each part, `apart` numbers from each other.
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

    /// A part of the blocks of a key head of a sequence: as many parts as query heads share it.
    private void backward(int sequence, int part, MemorySegment[] buffers, Gradients g) {
        long own = ((long) part * in.rows() + in.start(sequence)) * width;
        int numbers = in.length(sequence) * width;
        RowPasses.zero(g.dKeys, own, 0, numbers);
        RowPasses.zero(g.dValues, own, 0, numbers);
        List<Block> all = blocks.of(sequence);
        int group = in.group();
        for (int i = part % group; i < all.size(); i += group) {
            backward(all.get(i), part, buffers, g);
        }
    }

    /// dV += Pᵀ·dO, dP = dO·Vᵀ, dS = P ⊙ (dP − Σ dO ⊙ O) · scale, dK += dSᵀ·Q, dQ = dS·K.
    private void backward(Block b, int part, MemorySegment[] buffers, Gradients g) {
        int keyHead = part / in.group();
        int height = in.group() * b.height();
        int columns = b.columns();
        MemorySegment slopes = in.rule().softCap() > 0 ? buffers[2] : null;
        Matrix q = blocks.stack(b, keyHead, head -> blocks.queries(b, head), buffers[0]);
        blocks.scores(b, keyHead, q, buffers[0], slopes);
        probabilities(b, keyHead, buffers[0], g);
        Matrix dOuts = matrix(g.dOuts, in.heads() * width);
        Matrix dOut = blocks.stack(b, keyHead, head -> blocks.rows(dOuts, b, head), buffers[1]);
        Matrix p = AttentionBlocks.matrix(buffers[0], b);
        Matrix ds = AttentionBlocks.matrix(buffers[1], b);
        long column = ((long) part * in.rows() + b.column()) * width;
        Matrix dValues = matrix(g.dValues, width).at(column);
        Blas.multiply(columns, width, height, p.t(), dOut, 1, dValues);
        Blas.multiply(height, columns, width, dOut, blocks.values(b, keyHead).t(), 0, ds);
        slopes(b, keyHead, buffers, g);
        Matrix dKeys = matrix(g.dKeys, width).at(column);
        Blas.multiply(columns, width, height, ds.t(), q, 1, dKeys);
        Matrix dQueries = matrix(g.dq, width);
        IntFunction<Matrix> rows = head -> dQueries.at(sumOf(head, b, 0) * width);
        Matrix dq = blocks.stackOf(keyHead, rows, buffers[1]);
        Blas.multiply(height, width, columns, ds, blocks.keys(b, keyHead), 0, dq);
        blocks.unstack(b, keyHead, dq, rows);
    }

    /// Replaces scores by the probabilities of the forward pass.
    private void probabilities(Block b, int keyHead, MemorySegment scores, Gradients g) {
        int height = b.height();
        for (int i = 0; i < in.group() * height; i++) {
            int end = b.end(i % height);
            int head = keyHead * in.group() + i / height;
            float sum = Lanes.get(g.logSums, sumOf(head, b, i % height));
            long at = (long) i * b.columns();
            VectorSoftmax.again(scores, at, blocks.first(end), end, b.columns(), scale, sum);
        }
    }

    /// Replaces dP by dS.
    private void slopes(Block b, int keyHead, MemorySegment[] buffers, Gradients g) {
        int height = b.height();
        int columns = b.columns();
        for (int i = 0; i < in.group() * height; i++) {
            int head = keyHead * in.group() + i / height;
            long own = ((long) (b.row() + i % height) * in.heads() + head) * width;
            float delta = (float) Lanes.dot(g.dOuts, own, g.outs, own, width);
            VectorSoftmax.backwardRow(
                    buffers[0], buffers[1], (long) i * columns, columns, delta, scale);
        }
        if (in.rule().softCap() > 0) {
            RowPasses.multiply(buffers[1], buffers[2], in.group() * height * columns);
        }
    }

    private static Matrix matrix(MemorySegment memory, int stride) {
        return new Matrix(memory.address(), stride);
    }
}
