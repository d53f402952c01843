package dev.graft.kernel;

import dev.graft.tensor.Blas;
import dev.graft.tensor.Blas.Matrix;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.Torch;

/// Products of float32 matrices in pieces, each on one thread.
///
/// BLAS' own threads share the rows of the left factor, of which there are few in a chunk of logits
/// and in a batch of one, and spin for a while when they are done. Here the longer side of the
/// result is shared. The last bits depend on the number of threads, as BLAS' do.
final class VectorProduct {
    private static final int LANES = 16; // columns of a step of BLAS' innermost loop
    private static final int LONG = 2048; // rows or columns that one may be slow with
    private static final long SMALL = 1 << 20; // multiplications that one thread does at once
    private static final long WHOLE = 1L << 20; // so many elements that a thread takes one piece

    private VectorProduct() {}

    /// Whether these are matrices that BLAS takes as they lie.
    static boolean fits(Factor a, Factor b, Tensor c) {
        return Blas.isAvailable() && isPlain(a.matrix()) && isPlain(b.matrix()) && isPlain(c);
    }

    private static boolean isPlain(Tensor x) {
        return x.dtype() == DType.F32
                && x.dim() == 2
                && x.onCpu()
                && x.stride(1) == 1
                && x.stride(0) >= x.size(1);
    }

    private static Matrix matrix(Tensor x, boolean transposed) {
        return new Matrix(x.address(), Math.toIntExact(x.stride(0)), transposed);
    }

    /// c = alpha · a · b + beta · c.
    static void multiply(float alpha, Factor a, Factor b, float beta, Tensor c) {
        int m = Math.toIntExact(c.size(0));
        int n = Math.toIntExact(c.size(1));
        int k = Math.toIntExact(a.columns());
        if (a.rows() != m || b.rows() != k || b.columns() != n) {
            throw new IllegalArgumentException(
                    "multiply: found %s · %s for %s, expected [m, k] · [k, n] for [m, n]"
                            .formatted(a, b, c.describe()));
        }
        if (m == 0 || n == 0) {
            return;
        }
        Matrix left = matrix(a.matrix(), a.transposed());
        Matrix right = matrix(b.matrix(), b.transposed());
        Matrix out = matrix(c, false);
        int threads = (long) m * n * k < SMALL ? 1 : Torch.threads();
        int height = m > n ? share(m, threads) : m;
        int width = m > n ? n : share(n, threads);
        int down = pieces(m, height);
        int across = pieces(n, width);
        Workers.Rows piece =
                (from, to) -> {
                    for (long p = from; p < to; p++) {
                        int row = (int) (p % down) * height;
                        int column = (int) (p / down) * width;
                        piece(
                                Math.min(height, m - row),
                                Math.min(width, n - column),
                                k,
                                alpha,
                                rows(left, row),
                                columns(right, column),
                                beta,
                                out.at((long) row * out.stride() + column));
                    }
                };
        Blas.alone(() -> Workers.rows(threads, (long) down * across, WHOLE, piece));
    }

    private static void piece(
            int m, int n, int k, float alpha, Matrix a, Matrix b, float beta, Matrix c) {
        if (TileProduct.pays(m, n, k, b)) {
            TileProduct.multiply(m, n, k, alpha, a, b, beta, c);
        } else {
            Blas.multiply(m, n, k, alpha, a, b, beta, c);
        }
    }

    /// Rows or columns of a piece: one a thread, or a few where there are many.
    private static int share(int whole, int threads) {
        int pieces = threads * Math.clamp(whole / (threads * LONG), 1, 4);
        return pieces(pieces(whole, pieces), LANES) * LANES;
    }

    private static int pieces(int whole, int each) {
        return (whole + each - 1) / each;
    }

    private static Matrix rows(Matrix x, int row) {
        return x.at(x.transposed() ? row : (long) row * x.stride());
    }

    private static Matrix columns(Matrix x, int column) {
        return x.at(x.transposed() ? (long) column * x.stride() : column);
    }
}
