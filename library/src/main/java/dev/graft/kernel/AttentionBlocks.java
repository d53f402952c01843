package dev.graft.kernel;

import dev.graft.tensor.Blas;
import dev.graft.tensor.Blas.Matrix;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/// Where the blocks of an attention's rows lie in its inputs. The columns of a block go from the
/// first that its first row sees to the last that its last one sees: the T × T matrix never exists,
/// nor anything outside a window. The query heads that share a key head are one product, which
/// packs the keys once.
final class AttentionBlocks {
    private static final int ROWS = 64; // of a block at most, which wastes half of their square
    private static final int STACKED = 192; // of a product that packs its factors well
    private static final int COLUMNS = 512; // of a tile, whose scores stay in a processor's cache

    private final AttentionInput in;
    private final int rows;
    private final Matrix queries;
    private final Matrix keys;
    private final Matrix values;

    AttentionBlocks(AttentionInput in) {
        this.in = in;
        this.rows = rows(in.group());
        this.queries = headMajor(in.q());
        this.keys = headMajor(in.k());
        this.values = tokenMajor(in.v());
    }

    /// Rows of a block, for each of the query heads that share a key head.
    static int rows(int group) {
        int steps = (STACKED / group + 15) / 16;
        return Math.clamp(steps, 1, ROWS / 16) * 16;
    }

    /// Rows of a sequence: the first of `height` rows is `row` in [T], it sees `seen` columns of
    /// the block besides its own, and those begin at `column` in [C].
    record Block(int row, int height, int column, int columns, int seen) {
        /// The block in tiles of a few columns each, from left to right.
        List<Block> tiles() {
            List<Block> tiles = new ArrayList<>();
            for (int from = 0; from < columns; from += COLUMNS) {
                int some = Math.min(COLUMNS, columns - from);
                tiles.add(new Block(row, height, column + from, some, seen - from));
            }
            return tiles;
        }

        /// The column behind the last that a row sees.
        int end(int row) {
            return Math.clamp(seen + row + 1, 0, columns);
        }
    }

    /// The blocks of a sequence, from its first row to its last.
    List<Block> of(int sequence) {
        List<Block> blocks = new ArrayList<>();
        int start = in.start(sequence);
        int length = in.length(sequence);
        for (int row = 0; row < length; row += rows) {
            int height = Math.min(rows, length - row);
            int own = (int) in.past() + row;
            int first = (int) in.rule().firstColumn(own);
            blocks.add(
                    new Block(
                            start + row, height, start + first, own + height - first, own - first));
        }
        return blocks;
    }

    /// The first column of a block or a tile that a row sees, no further than its end.
    int first(Block b, int row) {
        long window = in.rule().window();
        return window == 0 ? 0 : Math.clamp(b.seen + row + 1 - window, 0, b.end(row));
    }

    /// Most columns of a tile of a block of so many.
    static long tile(long columns) {
        return Math.min(COLUMNS, columns);
    }

    // ---- matrices ----

    /// [N, T, D] as the matrix of its first head.
    static Matrix headMajor(Tensor x) {
        require(x, x.dim() == 3 && (x.stride(2) == 1 || x.size(2) == 1));
        return new Matrix(x.address(), Math.toIntExact(x.stride(1)));
    }

    /// [T, N·D].
    static Matrix tokenMajor(Tensor x) {
        require(x, x.dim() == 2 && (x.stride(1) == 1 || x.size(1) == 1));
        return new Matrix(x.address(), Math.toIntExact(x.stride(0)));
    }

    private static void require(Tensor x, boolean fits) {
        if (!fits || x.dtype() != DType.F32) {
            throw new IllegalArgumentException(
                    "attention: found %s, expected F32 with rows without gaps"
                            .formatted(x.describe()));
        }
    }

    /// The rows of a query head.
    Matrix queries(Block b, int head) {
        return queries.at(head * in.q().stride(0) + (long) b.row * queries.stride());
    }

    Matrix keys(Block b, int keyHead) {
        return keys.at(keyHead * in.k().stride(0) + (long) b.column * keys.stride());
    }

    Matrix values(Block b, int keyHead) {
        return values.at((long) b.column * values.stride() + (long) keyHead * in.width());
    }

    /// The rows of a query head in [T, N·D].
    Matrix rows(Matrix tokenMajor, Block b, int head) {
        return tokenMajor.at((long) b.row * tokenMajor.stride() + (long) head * in.width());
    }

    // ---- groups ----

    /// The rows of the query heads that share a key head, one head after the other: a copy where
    /// there are several.
    ///
    /// @param rows those of a query head
    /// @param buffer whose end is written
    Matrix stack(Block b, int keyHead, IntFunction<Matrix> rows, MemorySegment buffer) {
        int group = in.group();
        if (group == 1) {
            return rows.apply(keyHead);
        }
        Matrix all = stacked(buffer, 1);
        for (int i = 0; i < group; i++) {
            Matrix to = all.at((long) i * b.height * in.width());
            Blas.copy(b.height, in.width(), rows.apply(keyHead * group + i), to);
        }
        return all;
    }

    /// Where rows to come lie: before those at the end of the buffer, or in place where a group has
    /// one head.
    Matrix stackOf(int keyHead, IntFunction<Matrix> rows, MemorySegment buffer) {
        return in.group() == 1 ? rows.apply(keyHead) : stacked(buffer, 2);
    }

    /// Brings them to their places.
    void unstack(Block b, int keyHead, Matrix all, IntFunction<Matrix> rows) {
        int group = in.group();
        for (int i = 0; i < group && group > 1; i++) {
            Matrix from = all.at((long) i * b.height * in.width());
            Blas.copy(b.height, in.width(), from, rows.apply(keyHead * group + i));
        }
    }

    private Matrix stacked(MemorySegment buffer, int fromEnd) {
        long begin = buffer.byteSize() - fromEnd * in.buffers().stacked() * Float.BYTES;
        return new Matrix(buffer.address() + begin, in.width());
    }

    // ---- scores ----

    static Matrix matrix(MemorySegment scores, Block b) {
        return new Matrix(scores.address(), b.columns);
    }

    /// Q·Kᵀ of a block, capped where the rule says so.
    ///
    /// @param stacked the queries of a group
    /// @param slopes of the cap, written; null where nobody wants them
    void scores(Block b, int keyHead, Matrix stacked, MemorySegment scores, MemorySegment slopes) {
        int height = in.group() * b.height;
        Matrix right = keys(b, keyHead).t();
        Blas.multiply(height, b.columns, in.width(), stacked, right, 0, matrix(scores, b));
        AttentionRule rule = in.rule();
        if (rule.softCap() > 0) {
            int count = height * b.columns;
            VectorSoftCap.apply(scores, slopes, 0, count, rule.scale(), rule.softCap());
        }
    }
}
