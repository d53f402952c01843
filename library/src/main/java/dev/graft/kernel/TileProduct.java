package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;

import dev.graft.tensor.Blas;
import dev.graft.tensor.Blas.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/// Products of float32 matrices on one thread, by tiles of the result that stay in registers while
/// the whole inner side goes by. Factors are read where they lie; BLAS copies them into panels
/// first, which takes longer than the product where the result has few rows.
final class TileProduct {
    private static final MemorySegment MEMORY = Blas.MEMORY;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final int ROWS = 4; // of a wide tile
    private static final int WIDTH = 4 * LENGTH; // columns of a wide tile
    private static final int TALL = 8; // rows of a tile of one vector
    private static final int DEPTH = 96; // rows of the right factor that stay in the first cache

    /// Accumulators, factors and one broadcast take 21 registers, which AVX-512 has.
    private static final boolean HAS_REGISTERS = LENGTH >= 16;

    private TileProduct() {}

    /// Whether this is faster than BLAS: for a result of few rows from a right factor that is not
    /// transposed.
    static boolean pays(int m, int n, int k, Matrix b) {
        boolean isLow = m >= TALL && m <= 64 && n >= WIDTH && k >= 64;
        return HAS_REGISTERS && isLow && !b.transposed();
    }

    /// c = alpha · a · b + beta · c.
    ///
    /// @param m at least 8
    /// @param a [m, k], itself or a transpose
    /// @param b [k, n], not transposed
    /// @param c [m, n], not transposed; not read where beta is 0
    static void multiply(
            int m, int n, int k, float alpha, Matrix a, Matrix b, float beta, Matrix c) {
        var product = new Sides(m, n, k, alpha, a, b, beta, c);
        int wide = n / WIDTH * WIDTH;
        float[] tile = new float[ROWS * WIDTH];
        for (int from = 0; from < k && wide > 0; from += DEPTH) {
            product.wide(from, Math.min(k, from + DEPTH), wide, tile);
        }
        for (int column = wide; column < n; column += LENGTH) {
            product.narrow(column, tile);
        }
    }

    private record Sides(
            int m, int n, int k, float alpha, Matrix a, Matrix b, float beta, Matrix c) {
        private long left(int row, int inner) {
            long apart = a.stride();
            return a.address()
                    + Float.BYTES * (a.transposed() ? row + inner * apart : row * apart + inner);
        }

        private long right(int inner, int column) {
            return b.address() + Float.BYTES * ((long) inner * b.stride() + column);
        }

        /// Bytes from a row of the left factor to the next.
        private long down() {
            return Float.BYTES * (a.transposed() ? 1L : a.stride());
        }

        /// Bytes from an inner place of the left factor to the next.
        private long along() {
            return Float.BYTES * (a.transposed() ? a.stride() : 1L);
        }

        /// Bytes from a row of the right factor to the next.
        private long apart() {
            return Float.BYTES * (long) b.stride();
        }

        /// The first columns, over a part of the inner side.
        private void wide(int from, int to, int columns, float[] tile) {
            for (int column = 0; column < columns; column += WIDTH) {
                for (int row = 0; row < m; row += ROWS) {
                    int top = Math.min(row, m - ROWS);
                    sum(
                            left(top, from),
                            down(),
                            along(),
                            right(from, column),
                            apart(),
                            to - from,
                            tile);
                    for (int r = row; r < top + ROWS; r++) {
                        int begin = (r - top) * WIDTH;
                        for (int i = 0; i < WIDTH; i += LENGTH) {
                            put(tile, begin + i, r, column + i, from == 0 ? beta : 1);
                        }
                    }
                }
            }
        }

        /// One vector of columns, the last of which may be beyond the matrix.
        private void narrow(int column, float[] tile) {
            VectorMask<Float> mask = Lanes.tail(column, n);
            for (int row = 0; row < m; row += TALL) {
                int top = Math.min(row, m - TALL);
                sumOfVector(
                        left(top, 0), down(), along(), right(0, column), apart(), k, mask, tile);
                for (int r = row; r < top + TALL; r++) {
                    put(tile, (r - top) * LENGTH, r, column, mask);
                }
            }
        }

        private long result(int row, int column) {
            return c.address() + Float.BYTES * ((long) row * c.stride() + column);
        }

        private void put(float[] tile, int at, int row, int column, float share) {
            long to = result(row, column);
            FloatVector sum = Lanes.load(tile, at).mul(alpha);
            (share == 0 ? sum : load(to).fma(Lanes.all(share), sum))
                    .intoMemorySegment(MEMORY, to, ORDER);
        }

        private void put(float[] tile, int at, int row, int column, VectorMask<Float> mask) {
            long to = result(row, column);
            FloatVector sum = Lanes.load(tile, at).mul(alpha);
            (beta == 0 ? sum : load(to, mask).fma(Lanes.all(beta), sum))
                    .intoMemorySegment(MEMORY, to, ORDER, mask);
        }
    }

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(Lanes.SPECIES, MEMORY, address, ORDER);
    }

    private static FloatVector load(long address, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(Lanes.SPECIES, MEMORY, address, ORDER, mask);
    }

    private static FloatVector all(long address) {
        return Lanes.all(MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address));
    }

    /// A tile of 4 rows and 4 vectors.
    private static void sum(
            long a, long down, long along, long b, long apart, int depth, float[] tile) {
        FloatVector zero = Lanes.all(0);
        FloatVector a0 = zero;
        FloatVector a1 = zero;
        FloatVector a2 = zero;
        FloatVector a3 = zero;
        FloatVector b0 = zero;
        FloatVector b1 = zero;
        FloatVector b2 = zero;
        FloatVector b3 = zero;
        FloatVector c0 = zero;
        FloatVector c1 = zero;
        FloatVector c2 = zero;
        FloatVector c3 = zero;
        FloatVector d0 = zero;
        FloatVector d1 = zero;
        FloatVector d2 = zero;
        FloatVector d3 = zero;
        long left = a;
        long right = b;
        for (int i = 0; i < depth; i++) {
            FloatVector r0 = load(right);
            FloatVector r1 = load(right + 1L * LENGTH * Float.BYTES);
            FloatVector r2 = load(right + 2L * LENGTH * Float.BYTES);
            FloatVector r3 = load(right + 3L * LENGTH * Float.BYTES);
            FloatVector l = all(left);
            a0 = l.fma(r0, a0);
            a1 = l.fma(r1, a1);
            a2 = l.fma(r2, a2);
            a3 = l.fma(r3, a3);
            l = all(left + down);
            b0 = l.fma(r0, b0);
            b1 = l.fma(r1, b1);
            b2 = l.fma(r2, b2);
            b3 = l.fma(r3, b3);
            l = all(left + 2 * down);
            c0 = l.fma(r0, c0);
            c1 = l.fma(r1, c1);
            c2 = l.fma(r2, c2);
            c3 = l.fma(r3, c3);
            l = all(left + 3 * down);
            d0 = l.fma(r0, d0);
            d1 = l.fma(r1, d1);
            d2 = l.fma(r2, d2);
            d3 = l.fma(r3, d3);
            left += along;
            right += apart;
        }
        a0.intoArray(tile, 0 * LENGTH);
        a1.intoArray(tile, 1 * LENGTH);
        a2.intoArray(tile, 2 * LENGTH);
        a3.intoArray(tile, 3 * LENGTH);
        b0.intoArray(tile, 4 * LENGTH);
        b1.intoArray(tile, 5 * LENGTH);
        b2.intoArray(tile, 6 * LENGTH);
        b3.intoArray(tile, 7 * LENGTH);
        c0.intoArray(tile, 8 * LENGTH);
        c1.intoArray(tile, 9 * LENGTH);
        c2.intoArray(tile, 10 * LENGTH);
        c3.intoArray(tile, 11 * LENGTH);
        d0.intoArray(tile, 12 * LENGTH);
        d1.intoArray(tile, 13 * LENGTH);
        d2.intoArray(tile, 14 * LENGTH);
        d3.intoArray(tile, 15 * LENGTH);
    }

    /// A tile of 8 rows and one vector.
    private static void sumOfVector(
            long a,
            long down,
            long along,
            long b,
            long apart,
            int depth,
            VectorMask<Float> mask,
            float[] tile) {
        FloatVector s0 = Lanes.all(0);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        FloatVector s4 = s0;
        FloatVector s5 = s0;
        FloatVector s6 = s0;
        FloatVector s7 = s0;
        long left = a;
        long right = b;
        for (int i = 0; i < depth; i++) {
            FloatVector r = load(right, mask);
            s0 = all(left).fma(r, s0);
            s1 = all(left + down).fma(r, s1);
            s2 = all(left + 2 * down).fma(r, s2);
            s3 = all(left + 3 * down).fma(r, s3);
            s4 = all(left + 4 * down).fma(r, s4);
            s5 = all(left + 5 * down).fma(r, s5);
            s6 = all(left + 6 * down).fma(r, s6);
            s7 = all(left + 7 * down).fma(r, s7);
            left += along;
            right += apart;
        }
        s0.intoArray(tile, 0 * LENGTH);
        s1.intoArray(tile, 1 * LENGTH);
        s2.intoArray(tile, 2 * LENGTH);
        s3.intoArray(tile, 3 * LENGTH);
        s4.intoArray(tile, 4 * LENGTH);
        s5.intoArray(tile, 5 * LENGTH);
        s6.intoArray(tile, 6 * LENGTH);
        s7.intoArray(tile, 7 * LENGTH);
    }
}
