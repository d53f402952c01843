package dev.graft.kernel;

import dev.graft.tensor.Blas;
import dev.graft.tensor.Blas.Matrix;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// Where the blocks of an attention's rows lie in its inputs. The columns of a block go from the
/// first that its first row sees to the last that its last one sees: the T × T matrix never exists,
/// nor anything outside a window.
final class AttentionBlocks {
    /// Rows of a block.
    static final int ROWS = 64;

    private final AttentionInput in;
    private final Matrix queries;
    private final Matrix keys;
    private final Matrix values;

    AttentionBlocks(AttentionInput in) {
        this.in = in;
        this.queries = headMajor(in.q());
        this.keys = headMajor(in.k());
        this.values = tokenMajor(in.v());
    }

    /// Rows of a sequence: the first of `height` rows is `row` in [T], it sees `seen` columns of
    /// the block besides its own, and those begin at `column` in [C].
    record Block(int row, int height, int column, int columns, int seen) {
        /// The column behind the last that a row sees.
        int end(int row) {
            return seen + row + 1;
        }
    }

    /// Numbers that the scores of a block take at most.
    ///
    /// @param longest rows of the longest sequence
    static long scores(AttentionRule rule, long longest, long past) {
        long most = 0;
        for (long row = 0; row < longest; row += ROWS) {
            long height = Math.min(ROWS, longest - row);
            long columns = past + row + height - rule.firstColumn(past + row);
            most = Math.max(most, height * columns);
        }
        return most;
    }

    /// The blocks of a sequence, from its first row to its last.
    List<Block> of(int sequence) {
        List<Block> blocks = new ArrayList<>();
        int start = in.start(sequence);
        int rows = in.length(sequence);
        for (int row = 0; row < rows; row += ROWS) {
            int height = Math.min(ROWS, rows - row);
            int own = (int) in.past() + row;
            int first = (int) in.rule().firstColumn(own);
            blocks.add(
                    new Block(
                            start + row, height, start + first, own + height - first, own - first));
        }
        return blocks;
    }

    /// The first column of a block that a row sees, which sees those before `end`.
    int first(int end) {
        long window = in.rule().window();
        return window == 0 ? 0 : (int) Math.max(0, end - window);
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

    Matrix queries(Block b, int head) {
        return queries.at(head * in.q().stride(0) + (long) b.row * queries.stride());
    }

    Matrix keys(Block b, int head) {
        long from = (long) b.column * keys.stride();
        return keys.at(head / in.group() * in.k().stride(0) + from);
    }

    Matrix values(Block b, int head) {
        long from = (long) b.column * values.stride();
        return values.at(from + (long) (head / in.group()) * in.width());
    }

    /// The rows of a block in [T, N·D].
    Matrix rows(Matrix tokenMajor, Block b, int head) {
        return tokenMajor.at((long) b.row * tokenMajor.stride() + (long) head * in.width());
    }

    static Matrix matrix(MemorySegment scores, Block b) {
        return new Matrix(scores.address(), b.columns);
    }

    /// Q·Kᵀ of a block, capped where the rule says so.
    ///
    /// @param slopes of the cap, written; null where nobody wants them
    void scores(Block b, int head, MemorySegment scores, MemorySegment slopes) {
        Blas.multiply(
                b.height,
                b.columns,
                in.width(),
                queries(b, head),
                keys(b, head).t(),
                0,
                matrix(scores, b));
        AttentionRule rule = in.rule();
        if (rule.softCap() > 0) {
            int count = b.height * b.columns;
            VectorSoftCap.apply(scores, slopes, 0, count, rule.scale(), rule.softCap());
        }
    }
}
