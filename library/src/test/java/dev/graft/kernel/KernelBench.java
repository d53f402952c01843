package dev.graft.kernel;

import com.sun.management.ThreadMXBean;
import dev.graft.kernel.Kernels.AdamWStep;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/// Times each operation against the reference; run by hand, not by the build. GB/s counts each
/// element that has to be read or written once, over the median time.
final class KernelBench {
    private static final Random RANDOM = new Random(1);

    private KernelBench() {}

    public static void main(String[] args) {
        System.out.println("vectors of " + Lanes.SPECIES);
        System.out.printf(
                "%-34s %22s %22s %7s %12s%n",
                "ms: median (least), GB/s", "vector", "torch", "ratio", "Java bytes");
        activations(2048, 1536);
        activations(2048, 576);
        rope(9, 2048, 64);
        attention(9, 512, 64);
        crossEntropy(512, 49152);
        adamW(2048 * 1536);
        adamW8bit(2048 * 1536);
    }

    private static void activations(int rows, int width) {
        try (var _ = Scope.open()) {
            String shape = " " + rows + " x " + width;
            Tensor[] t = random(5, rows, width);
            Tensor w = random(1, width)[0];
            Tensor dw = random(1, width)[0];
            Tensor s = random(1, rows)[0];
            Tensor none = null;
            compare("swiGlu" + shape, bytes(3, t), k -> k.glu(Activation.SILU, t[0], t[1], t[2]));
            compare(
                    "swiGluBackward" + shape,
                    bytes(5, t),
                    k -> k.gluBackward(Activation.SILU, t[0], t[1], t[2], t[3], t[4]));
            compare("rmsNorm" + shape, bytes(2, t), k -> k.rmsNorm(t[0], w, 0, 1e-5, t[1], s));
            compare(
                    "rmsNormBackward" + shape,
                    bytes(4, t),
                    k -> k.rmsNormBackward(t[0], t[1], w, 0, s, t[2], none));
            compare(
                    "rmsNormBackward, dw" + shape,
                    bytes(4, t),
                    k -> k.rmsNormBackward(t[0], t[1], w, 0, s, t[2], dw));
        }
    }

    private static void rope(long heads, int tokens, int width) {
        try (var _ = Scope.open()) {
            String shape = " %d x %d x %d".formatted(heads, tokens, width);
            Tensor[] x = random(1, tokens, heads * width);
            Tensor[] angles = random(2, tokens, width / 2);
            Tensor[] out = random(1, heads, tokens, width);
            long bytes = bytes(2, x) + bytes(2, angles);
            compare("rope" + shape, bytes, k -> k.rope(x[0], angles[0], angles[1], false, out[0]));
            compare(
                    "ropeBackward" + shape,
                    bytes,
                    k -> k.ropeBackward(out[0], angles[0], angles[1], false, x[0]));
        }
    }

    private static void attention(int heads, int rows, int width) {
        try (var _ = Scope.open()) {
            String shape = " %d x %d x %d".formatted(heads, rows, width);
            Tensor[] x = random(4, heads, rows, width);
            Tensor[] y = random(4, rows, (long) heads * width);
            Tensor sums = random(1, heads, rows)[0];
            var rule = AttentionRule.plain(0.1);
            var in = new AttentionInput(x[0], x[1], y[0], Packing.of(0, rows), 0, rule);
            Tensor scratch = Tensor.empty(DType.F32, in.scratch(true));
            long bytes = bytes(4, x);
            compare("attention" + shape, bytes, k -> k.attention(in, y[1], sums, scratch));
            compare(
                    "attentionBackward" + shape,
                    2 * bytes,
                    k -> k.attentionBackward(in, y[1], sums, y[2], x[2], x[3], y[3], scratch));
        }
    }

    private static void crossEntropy(int rows, int width) {
        try (var _ = Scope.open()) {
            Tensor[] logits = random(1, rows, width);
            Tensor targets = Tensor.of(RANDOM.ints(rows, 0, width).toArray());
            Tensor losses = Tensor.empty(DType.F64, rows);
            compare(
                    "crossEntropy %d x %d".formatted(rows, width),
                    bytes(2, logits),
                    k -> k.crossEntropy(logits[0], targets, 1, losses));
        }
    }

    private static void adamW(int count) {
        try (var _ = Scope.open()) {
            Tensor[] t = random(4, count);
            t[3].mulInPlace(t[3]);
            var step = new AdamWStep(1e-5, 0.9, 0.999, 1e-8, 0.01, 10, 1);
            var parts = List.<AdamWPart>of(new AdamWPart.Plain(t[0], t[1], t[2], t[3]));
            compare("adamW " + count, bytes(8, t), k -> k.adamW(parts, step));
        }
    }

    private static void adamW8bit(int count) {
        try (var _ = Scope.open()) {
            Tensor[] t = random(2, count);
            var m = AdamW8bitCase.zeros(count, AdamW8bitCase.SIGNED);
            var v = AdamW8bitCase.zeros(count, AdamW8bitCase.UNSIGNED);
            var step = new AdamWStep(1e-5, 0.9, 0.999, 1e-8, 0.01, 10, 1);
            var parts = List.<AdamWPart>of(new AdamWPart.Coded(t[0], t[1], m, v));
            long bytes = bytes(4, t) + 4L * count; // the codes are read and written
            compare("adamW8bit " + count, bytes, k -> k.adamW(parts, step));
        }
    }

    private static void compare(String name, long bytes, Consumer<Kernels> call) {
        double[] vector = times(VectorKernels.INSTANCE, call);
        long allocated = allocated(call);
        double[] torch = times(TorchKernels.INSTANCE, call);
        System.out.printf(
                "%-34s %22s %22s %6.1fx %,12d%n",
                name,
                words(vector, bytes),
                words(torch, bytes),
                middle(torch) / middle(vector),
                allocated);
    }

    /// Bytes of Java objects that a call makes: many of them mean that vectors are boxed.
    private static long allocated(Consumer<Kernels> call) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getTotalThreadAllocatedBytes();
        for (int i = 0; i < 10; i++) {
            call.accept(VectorKernels.INSTANCE);
        }
        return (threads.getTotalThreadAllocatedBytes() - before) / 10;
    }

    private static String words(double[] times, long bytes) {
        double median = middle(times);
        return "%.2f (%.2f) %5.1f".formatted(median, times[0], bytes / median / 1e6);
    }

    private static double middle(double[] sorted) {
        return sorted[sorted.length / 2];
    }

    /// Milliseconds of a call, sorted, after two seconds of warming up.
    private static double[] times(Kernels kernels, Consumer<Kernels> call) {
        long end = System.nanoTime() + 2_000_000_000L;
        do {
            call.accept(kernels);
        } while (System.nanoTime() < end);
        double[] times = new double[41];
        for (int i = 0; i < times.length; i++) {
            long start = System.nanoTime();
            call.accept(kernels);
            times[i] = (System.nanoTime() - start) / 1e6;
        }
        Arrays.sort(times);
        return times;
    }

    private static long bytes(int count, Tensor[] t) {
        return count * t[0].numel() * Float.BYTES;
    }

    private static Tensor[] random(int count, long... shape) {
        var tensors = new Tensor[count];
        for (int i = 0; i < count; i++) {
            tensors[i] = Tensor.empty(DType.F32, shape);
            var memory = tensors[i].segment();
            long numel = tensors[i].numel();
            for (long j = 0; j < numel; j++) {
                Lanes.set(memory, j, (float) RANDOM.nextGaussian());
            }
        }
        return tensors;
    }
}
