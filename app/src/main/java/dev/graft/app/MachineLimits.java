package dev.graft.app;

import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.Arrays;

/// How fast this machine multiplies and reads, measured now.
final class MachineLimits {
    /// Rows and columns of the matrices that are multiplied.
    static final int SIZE = 1024;

    private static final int REPETITIONS = 31;

    /// Fewer than a card takes before the host has to wait.
    private static final int LAUNCHES = 500;

    /// The first products of a process share the processors with what is still compiled, and the
    /// library's threads are new: for half a second they have a sixth to a half of the rate.
    private static final long WARM_UP_NANOS = 1_000_000_000;

    private MachineLimits() {}

    /// Floating-point operations of a product of float32 matrices in a second, in 10⁹; the median.
    static double gigaflops() {
        try (var _ = Scope.open("gemm")) {
            Tensor a = Tensor.full(DType.F32, 0.5, SIZE, SIZE);
            Tensor b = Tensor.full(DType.F32, 0.25, SIZE, SIZE);
            Tensor out = Tensor.empty(DType.F32, SIZE, SIZE);
            var seconds = new double[REPETITIONS];
            long warmUp = System.nanoTime();
            while (System.nanoTime() - warmUp < WARM_UP_NANOS) {
                Tensor.mmInto(out, a, b);
            }
            for (int i = 0; i < REPETITIONS; i++) {
                long begin = System.nanoTime();
                Tensor.mmInto(out, a, b);
                seconds[i] = (System.nanoTime() - begin) / 1e9;
            }
            return 2.0 * SIZE * SIZE * SIZE / median(seconds) / 1e9;
        }
    }

    private static double median(double[] measured) {
        Arrays.sort(measured);
        return measured[measured.length / 2];
    }

    /// Microseconds that the host takes to ask a card for one of libtorch's operations; the median.
    static double launchMicroseconds(Device card) {
        try (var _ = Scope.open("launches", card)) {
            Tensor number = Tensor.zeros(DType.F32, 1);
            var micros = new double[REPETITIONS];
            for (int i = 0; i < REPETITIONS; i++) {
                long begin = System.nanoTime();
                for (int j = 0; j < LAUNCHES; j++) {
                    number.mulInPlace(number);
                }
                micros[i] = (System.nanoTime() - begin) / 1e3 / LAUNCHES;
                number.item(); // all are done before the next
            }
            return median(micros);
        }
    }

    /// Bytes read in a second where no cache holds them, in 10⁹; the best.
    static double gigabytes() {
        try (var _ = Scope.open("bandwidth")) {
            Tensor numbers = Tensor.full(DType.F32, 0.5, 64 << 20);
            double best = Double.MAX_VALUE;
            for (int i = 0; i < REPETITIONS; i++) {
                long begin = System.nanoTime();
                numbers.sum();
                best = Math.min(best, (System.nanoTime() - begin) / 1e9);
            }
            return numbers.numel() * Float.BYTES / best / 1e9;
        }
    }
}
