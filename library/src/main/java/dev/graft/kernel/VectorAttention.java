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
        int rows = in.group() * b.height();
        Matrix q = blocks.stack(b, keyHead, head -> blocks.queries(b, head), scores);
        IntFunction<Matrix> places = head -> blocks.rows(outs, b, head);
        Matrix out = blocks.stackOf(keyHead, places, scores);
        var softmax = new VectorSoftmax.Running(rows, scale);
        float before = 0; // what `out` counts for: nothing before the first tile
        for (Block tile : b.tiles()) {
            blocks.scores(tile, keyHead, q, scores, null);
            exponentials(tile, scores, softmax, before == 0 ? null : out);
            Matrix p = AttentionBlocks.matrix(scores, tile);
            Matrix values = blocks.values(tile, keyHead);
            Blas.multiply(rows, width, tile.columns(), p, values, before, out);
            before = 1;
        }
        for (int i = 0; i < rows; i++) {
            scaleRow(out, i, softmax.factor(i));
            long at = sumOf(keyHead * in.group() + i / b.height(), b, i % b.height());
            Lanes.set(logSums, at, softmax.logSum(i));
        }
        blocks.unstack(b, keyHead, out, places);
    }

    /// Replaces the scores of a tile by their exponentials, and brings what has been made of those
    /// of earlier tiles to the same scale.
    ///
    /// @param out null before the second tile
    private void exponentials(
            Block tile, MemorySegment scores, VectorSoftmax.Running softmax, Matrix out) {
        int height = tile.height();
        int columns = tile.columns();
        for (int i = 0; i < in.group() * height; i++) {
            int row = i % height;
            int first = blocks.first(tile, row);
            long at = (long) i * columns;
            float shrunk = softmax.take(i, scores, at, first, tile.end(row), columns);
            if (out != null && shrunk != 1) {
                scaleRow(out, i, shrunk);
            }
        }
    }

    private void scaleRow(Matrix m, int row, float factor) {
        long address = m.at((long) row * m.stride()).address();
        var numbers = Blas.MEMORY.asSlice(address, (long) width * Float.BYTES);
        RowPasses.scale(numbers, 0, width, factor);
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

    /// What a block's rows have in common for all tiles: queries, dO, dQ, and δ = Σ dO ⊙ O.
    private record Rows(int part, Matrix q, Matrix dOut, Matrix dq, float[] deltas) {}

    private void backward(Block b, int part, MemorySegment[] buffers, Gradients g) {
        int keyHead = part / in.group();
        Matrix q = blocks.stack(b, keyHead, head -> blocks.queries(b, head), buffers[0]);
        Matrix dOuts = matrix(g.dOuts, in.heads() * width);
        Matrix dOut = blocks.stack(b, keyHead, head -> blocks.rows(dOuts, b, head), buffers[1]);
        Matrix dQueries = matrix(g.dq, width);
        IntFunction<Matrix> places = head -> dQueries.at(sumOf(head, b, 0) * width);
        Matrix dq = blocks.stackOf(keyHead, places, buffers[1]);
        var rows = new Rows(part, q, dOut, dq, deltas(b, keyHead, g));
        float before = 0; // what `dq` counts for: nothing before the first tile
        for (Block tile : b.tiles()) {
            backward(tile, rows, buffers, before, g);
            before = 1;
        }
        blocks.unstack(b, keyHead, dq, places);
    }

    /// dV += Pᵀ·dO, dP = dO·Vᵀ, dS = P ⊙ (dP − δ) · scale, dK += dSᵀ·Q, dQ += dS·K.
    private void backward(
            Block tile, Rows rows, MemorySegment[] buffers, float before, Gradients g) {
        int keyHead = rows.part / in.group();
        int height = in.group() * tile.height();
        int columns = tile.columns();
        MemorySegment slopes = in.rule().softCap() > 0 ? buffers[2] : null;
        blocks.scores(tile, keyHead, rows.q, buffers[0], slopes);
        probabilities(tile, keyHead, buffers[0], g);
        Matrix p = AttentionBlocks.matrix(buffers[0], tile);
        Matrix ds = AttentionBlocks.matrix(buffers[1], tile);
        long column = ((long) rows.part * in.rows() + tile.column()) * width;
        Matrix dValues = matrix(g.dValues, width).at(column);
        Blas.multiply(columns, width, height, p.t(), rows.dOut, 1, dValues);
        Matrix values = blocks.values(tile, keyHead);
        Blas.multiply(height, columns, width, rows.dOut, values.t(), 0, ds);
        slopes(tile, rows.deltas, buffers);
        Matrix dKeys = matrix(g.dKeys, width).at(column);
        Blas.multiply(columns, width, height, ds.t(), rows.q, 1, dKeys);
        Blas.multiply(height, width, columns, ds, blocks.keys(tile, keyHead), before, rows.dq);
    }

    private float[] deltas(Block b, int keyHead, Gradients g) {
        int height = b.height();
        float[] deltas = new float[in.group() * height];
        for (int i = 0; i < deltas.length; i++) {
            int head = keyHead * in.group() + i / height;
            long own = ((long) (b.row() + i % height) * in.heads() + head) * width;
            deltas[i] = (float) Lanes.dot(g.dOuts, own, g.outs, own, width);
        }
        return deltas;
    }

    /// Replaces scores by the probabilities of the forward pass.
    private void probabilities(Block tile, int keyHead, MemorySegment scores, Gradients g) {
        int height = tile.height();
        int columns = tile.columns();
        for (int i = 0; i < in.group() * height; i++) {
            int row = i % height;
            int head = keyHead * in.group() + i / height;
            float sum = Lanes.get(g.logSums, sumOf(head, tile, row));
            int first = blocks.first(tile, row);
            long at = (long) i * columns;
            VectorSoftmax.again(scores, at, first, tile.end(row), columns, scale, sum);
        }
    }

    /// Replaces dP by dS.
    private void slopes(Block tile, float[] deltas, MemorySegment[] buffers) {
        int columns = tile.columns();
        VectorSoftmax.backward(buffers[0], buffers[1], columns, deltas, scale);
        if (in.rule().softCap() > 0) {
            RowPasses.multiply(buffers[1], buffers[2], deltas.length * columns);
        }
    }

    private static Matrix matrix(MemorySegment memory, int stride) {
        return new Matrix(memory.address(), stride);
    }
}
