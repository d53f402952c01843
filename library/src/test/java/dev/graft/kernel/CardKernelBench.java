package dev.graft.kernel;

import dev.graft.kernel.Kernels.AdamWStep;
import dev.graft.quant.DynamicMap;
import dev.graft.quant.FourBitCode;
import dev.graft.tensor.Cards;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Times the kernels of a card at shapes of 8 B in bfloat16, and prints what share of the bandwidth
/// of a copy each reaches; bytes are what has to be read and written. `bench/gpu/run` does so.
///
/// Usage: `CardKernelBench [DEVICE [DIVISOR]]`, with fewer tokens and rows by the divisor.
final class CardKernelBench {
    private static final int RUNS = 20;
    private static final int ROUNDS = 5;
    private static final long HIDDEN = 4096;
    private static final long FORWARD = 14336;
    private static final int HEADS = 32;
    private static final int WIDTH = 128;

    private final Device device;
    private final long tokens;
    private final long vocabulary;
    private final long rows; // of a matrix
    private double copied; // bytes a second

    private CardKernelBench(Device device, long divisor) {
        this.device = device;
        this.tokens = 16_384 / divisor; // more than a cache holds
        this.vocabulary = 128_256 / divisor;
        this.rows = FORWARD / divisor;
    }

    public static void main(String[] args) {
        Device device = Cards.here().choose(args.length > 0 ? args[0] : "cuda");
        long divisor = args.length > 1 ? Long.parseLong(args[1]) : 1;
        var bench = new CardKernelBench(device, divisor);
        try (var _ = Scope.open("bench", device)) {
            System.out.println("| kernel | ms | GB/s | of a copy |\n|---|---:|---:|---:|");
            bench.copies();
            bench.codes();
            bench.norms();
            bench.elements();
            bench.losses();
            bench.moments();
        }
    }

    private void time(String name, long bytes, Runnable work) {
        double seconds = seconds(work);
        double rate = bytes / seconds;
        System.out.printf(
                "| %s | %.3f | %,.0f | %.0f %% |%n",
                name, 1e3 * seconds, rate / 1e9, 100 * rate / copied);
    }

    /// The median of some rounds of many runs, which are asked for at once.
    private double seconds(Runnable work) {
        double[] seconds = new double[ROUNDS];
        try (var _ = Scope.open("timing", device)) {
            Tensor last = Tensor.zeros(DType.F32, 1);
            work.run();
            last.item(); // waits for all that was asked for
            for (int round = 0; round < ROUNDS; round++) {
                long begin = System.nanoTime();
                for (int i = 0; i < RUNS; i++) {
                    work.run();
                }
                last.item();
                seconds[round] = (System.nanoTime() - begin) / 1e9 / RUNS;
            }
        }
        Arrays.sort(seconds);
        return seconds[ROUNDS / 2];
    }

    private void copies() {
        try (var _ = Scope.open("copies", device)) {
            Tensor from = numbers(tokens, FORWARD);
            Tensor to = numbers(tokens, FORWARD);
            long bytes = 2 * bytes(from);
            copied = bytes / seconds(() -> to.copyInPlace(from));
            time("copy", bytes, () -> to.copyInPlace(from));
        }
    }

    private static Tensor numbers(long... shape) {
        return Tensor.full(DType.BF16, 0.5, shape);
    }

    private static long bytes(Tensor... tensors) {
        return Arrays.stream(tensors).mapToLong(t -> t.numel() * t.dtype().bytes()).sum();
    }

    private static Tensor codes(long count) {
        var random = new Random(1);
        int[] codes = random.ints(Math.min(count, 1 << 20), 0, 256).toArray();
        Tensor some = Tensor.of(codes).to(DType.U8);
        Tensor all = Tensor.empty(DType.U8, count);
        for (long at = 0; at < count; at += some.numel()) {
            long n = Math.min(some.numel(), count - at);
            all.narrow(0, at, n).copyInPlace(some.narrow(0, 0, n));
        }
        return all;
    }

    private void codes() {
        try (var _ = Scope.open("codes", device)) {
            long n = rows * HIDDEN;
            Tensor codes = codes(n / 2);
            var maxima =
                    new BlockMaxima.Nested(
                            codes(n / 64),
                            Tensor.full(DType.F32, 1, Math.ceilDiv(n / 64, 256)),
                            Tensor.of(DynamicMap.signed()),
                            0.05f);
            var nf4 =
                    new FourBitMatrix(
                            codes, maxima, FourBitCode.NF4.table().to(device), 64, rows, HIDDEN);
            var int8 =
                    new Int8Matrix(
                            codes(n).view(rows, HIDDEN).to(DType.I8),
                            Tensor.full(DType.F32, 1, rows));
            Tensor out = numbers(rows, HIDDEN);
            Tensor x = numbers(1, HIDDEN);
            Tensor y = numbers(1, rows);
            Kernels k = Kernels.of(out);
            long stored = bytes(codes) + maxima.bytes();
            time("expand NF4, nested maxima", stored + bytes(out), () -> k.expand(nf4, 0, out));
            time("expand int8", n + bytes(out), () -> k.expand(int8, 0, out));
            time("a row times NF4", stored, () -> k.product(nf4, x, y));
        }
    }

    private void norms() {
        try (var _ = Scope.open("norms", device)) {
            Tensor x = numbers(tokens, HIDDEN);
            Tensor y = numbers(tokens, HIDDEN);
            Tensor dx = numbers(tokens, HIDDEN);
            Tensor w = numbers(HIDDEN);
            Tensor s = Tensor.full(DType.F32, 1, tokens);
            Kernels k = Kernels.of(x);
            time("norm", bytes(x, y), () -> k.rmsNorm(x, w, 0, 1e-5, y, s));
            time(
                    "norm, backward",
                    bytes(x, y, dx, dx),
                    () -> k.rmsNormBackward(y, x, w, 0, s, dx, null));
        }
    }

    private void elements() {
        try (var _ = Scope.open("elements", device)) {
            Tensor x = numbers(tokens, HEADS * (long) WIDTH);
            Tensor heads = numbers(HEADS, tokens, WIDTH);
            Tensor cos = Tensor.full(DType.F32, 1, tokens, WIDTH / 2);
            Tensor sin = Tensor.full(DType.F32, 0, tokens, WIDTH / 2);
            Kernels k = Kernels.of(x);
            long angles = bytes(cos, sin);
            time(
                    "rotary embedding",
                    bytes(x, heads) + angles,
                    () -> k.rope(x, cos, sin, false, heads));
            time(
                    "rotary embedding, backward",
                    bytes(x, heads) + angles,
                    () -> k.ropeBackward(heads, cos, sin, false, x));
            Tensor gate = numbers(tokens, FORWARD);
            Tensor up = numbers(tokens, FORWARD);
            Tensor out = numbers(tokens, FORWARD);
            time("SwiGLU", bytes(gate, up, out), () -> k.glu(Activation.SILU, gate, up, out));
            time(
                    "SwiGLU, backward",
                    bytes(gate, up, out, gate, up),
                    () -> k.gluBackward(Activation.SILU, out, gate, up, gate, up));
            time("dropout", bytes(gate, out), () -> k.dropout(gate, 0.1, 1, out));
        }
    }

    private void losses() {
        try (var _ = Scope.open("losses", device)) {
            int positions = 384;
            Tensor logits = numbers(positions, vocabulary);
            Tensor slopes = numbers(positions, vocabulary);
            Tensor targets = Tensor.of(new int[positions]);
            Tensor losses = Tensor.empty(DType.F64, positions);
            Kernels k = Kernels.of(logits);
            time(
                    "cross-entropy, with its gradient",
                    3 * bytes(logits),
                    () -> k.crossEntropy(logits, targets, 1, losses));
            time(
                    "soft cap, with its slopes",
                    bytes(logits, logits, slopes),
                    () -> k.softCap(logits, 1, 30, slopes));
        }
    }

    /// All adapters of rank 16 at once.
    private void moments() {
        try (var _ = Scope.open("moments", device)) {
            List<AdamWPart> plain = new ArrayList<>();
            List<AdamWPart> coded = new ArrayList<>();
            List<Tensor> gradients = new ArrayList<>();
            CodeBook signed = new CodeBook(DynamicMap.signed());
            CodeBook unsigned = new CodeBook(DynamicMap.unsigned());
            long count = 0;
            for (int i = 0; i < 448; i++) {
                long n = 6 * rows; // 42 million numbers of 8 B in 448 tensors
                Tensor p = Tensor.full(DType.F32, 0.5, n);
                Tensor g = Tensor.full(DType.F32, 0.01, n);
                Tensor m = Tensor.zeros(DType.F32, n);
                Tensor v = Tensor.zeros(DType.F32, n);
                plain.add(new AdamWPart.Plain(p, g, m, v));
                coded.add(new AdamWPart.Coded(p, g, moment(n, signed), moment(n, unsigned)));
                gradients.add(g);
                count += n;
            }
            Tensor sum = Tensor.zeros(DType.F64, 1);
            var step = new AdamWStep(1e-5, 0.9, 0.999, 1e-8, 0.01, 10, 1);
            Kernels k = Kernels.of(sum.to(DType.F32));
            time("AdamW", 32 * count, () -> k.adamW(plain, step));
            time("AdamW in 8 bits", 20 * count, () -> k.adamW(coded, step));
            time("squares of the gradients", 4 * count, () -> k.addSquares(gradients, sum));
        }
    }

    private static BlockwiseCodes moment(long count, CodeBook book) {
        return new BlockwiseCodes(
                Tensor.zeros(DType.U8, count),
                Tensor.zeros(DType.F32, BlockwiseCodes.blocks(count)),
                book);
    }
}
