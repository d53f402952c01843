package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Products of small float32 matrices straight over memory, each on the thread that asks for it:
/// several at once where libtorch would share out one among its threads, which takes longer than
/// such a product.
public final class Blas {
    static {
        Torch.load();
    }

    private static final int ROW_MAJOR = 101;
    private static final int PLAIN = 111;
    private static final int TRANSPOSED = 112;

    private static final Optional<MethodHandle> GEMM = function("cblas_sgemm", gemm());
    private static final Optional<MethodHandle> SET_THREADS =
            function("openblas_set_num_threads", FunctionDescriptor.ofVoid(JAVA_INT));
    private static final Optional<MethodHandle> GET_THREADS =
            function("openblas_get_num_threads", FunctionDescriptor.of(JAVA_INT));

    /// All memory, each byte at its address.
    @SuppressWarnings("restricted")
    public static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static int alone;
    private static int threads;

    private Blas() {}

    /// A matrix in memory, row by row.
    ///
    /// @param address of its first number
    /// @param stride numbers from a row to the next
    /// @param transposed whether the transpose is meant
    public record Matrix(long address, int stride, boolean transposed) {
        public Matrix(long address, int stride) {
            this(address, stride, false);
        }

        /// The matrix that begins so many numbers further on.
        public Matrix at(long numbers) {
            return new Matrix(address + numbers * Float.BYTES, stride, transposed);
        }

        /// The transpose.
        public Matrix t() {
            return new Matrix(address, stride, !transposed);
        }
    }

    @SuppressWarnings("restricted")
    private static Optional<MethodHandle> function(String name, FunctionDescriptor descriptor) {
        return SymbolLookup.loaderLookup()
                .find(name)
                .map(symbol -> Linker.nativeLinker().downcallHandle(symbol, descriptor));
    }

    private static FunctionDescriptor gemm() {
        return FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT, // order, transposes
                JAVA_INT,
                JAVA_INT,
                JAVA_INT, // m, n, k
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT, // alpha, a, stride
                JAVA_LONG,
                JAVA_INT, // b, stride
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT); // beta, c, stride
    }

    /// Whether the natives have what is needed.
    public static boolean isAvailable() {
        return GEMM.isPresent() && SET_THREADS.isPresent() && GET_THREADS.isPresent();
    }

    /// c = a · b + beta · c.
    ///
    /// @param a [m, k]
    /// @param b [k, n]
    /// @param c [m, n], not transposed
    public static void multiply(int m, int n, int k, Matrix a, Matrix b, float beta, Matrix c) {
        multiply(m, n, k, 1, a, b, beta, c);
    }

    /// c = alpha · a · b + beta · c, of the same shapes.
    public static void multiply(
            int m, int n, int k, float alpha, Matrix a, Matrix b, float beta, Matrix c) {
        try {
            GEMM.orElseThrow()
                    .invokeExact(
                            ROW_MAJOR,
                            a.transposed ? TRANSPOSED : PLAIN,
                            b.transposed ? TRANSPOSED : PLAIN,
                            m,
                            n,
                            k,
                            alpha,
                            a.address,
                            a.stride,
                            b.address,
                            b.stride,
                            beta,
                            c.address,
                            c.stride);
        } catch (Throwable e) {
            throw new IllegalStateException("cblas_sgemm could not be called", e);
        }
    }

    /// Copies the rows of a matrix.
    ///
    /// @param from [rows, width], not transposed
    /// @param to the same
    public static void copy(int rows, int width, Matrix from, Matrix to) {
        boolean whole = from.stride == width && to.stride == width;
        long bytes = (whole ? (long) rows * width : width) * Float.BYTES;
        for (int row = 0; row < (whole ? 1 : rows); row++) {
            long source = from.address + (long) row * from.stride * Float.BYTES;
            long target = to.address + (long) row * to.stride * Float.BYTES;
            MemorySegment.copy(MEMORY, source, MEMORY, target, bytes);
        }
    }

    /// Runs work whose products do not share themselves out among threads.
    public static void alone(Runnable work) {
        enter();
        try {
            work.run();
        } finally {
            leave();
        }
    }

    private static synchronized void enter() {
        if (alone++ == 0) {
            threads = threads();
            setThreads(1);
        }
    }

    private static synchronized void leave() {
        if (--alone == 0) {
            setThreads(threads);
        }
    }

    private static int threads() {
        try {
            return (int) GET_THREADS.orElseThrow().invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException("openblas_get_num_threads could not be called", e);
        }
    }

    private static void setThreads(int count) {
        try {
            SET_THREADS.orElseThrow().invokeExact(count);
        } catch (Throwable e) {
            throw new IllegalStateException("openblas_set_num_threads could not be called", e);
        }
    }
}
