package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.quant.Quantizer;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The CUDA kernels against the plain ones, wherever they run.
abstract class CudaKernelsCases {
    private static final Kernels TORCH = TorchKernels.INSTANCE;
    private static final List<DType> HALVES = List.of(DType.BF16, DType.F16);

    private CudaKernels cuda;
    @RegisterExtension final TestScope scope = new TestScope(this::device);

    abstract CudaKernels kernels();

    /// The same kernels with what may not matter changed.
    abstract CudaKernels kernelsAgain();

    abstract Device device();

    @BeforeEach
    void open() {
        cuda = kernels();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 16, 67, 576, 1000})
    void everyOperationEqualsTheReference(int width) {
        for (int rows : new int[] {1, 2, 33}) {
            for (KernelCase c : KernelCase.all(rows, width, 31L * rows + width)) {
                String where = c.name() + " " + rows + " x " + width;
                double[][] actual = c.run(cuda, DType.F32);
                boolean sums = c.name().matches("(?i).*(attention|multiply).*");
                assertClose(where, actual, c.run(TORCH, DType.F64), sums ? 1e-5 : 3e-6);
                assertThat(c.run(kernelsAgain(), DType.F32)).as(where).isDeepEqualTo(actual);
            }
        }
    }

    @Test
    void crossEntropyOfALargeVocabularyEqualsDoublePrecision() {
        for (int vocabulary : new int[] {49_152, 150_001}) {
            KernelCase c = KernelCase.crossEntropy(2, vocabulary, new Random(5));
            assertClose(c.name(), c.run(cuda, DType.F32), c.run(TORCH, DType.F64), 3e-6);
        }
    }

    private static void assertClose(
            String where, double[][] actual, double[][] expected, double tolerance) {
        for (int k = 0; k < expected.length; k++) {
            assertClose(where + ", tensor " + k, actual[k], expected[k], tolerance);
        }
    }

    private static void assertClose(
            String where, double[] actual, double[] expected, double tolerance) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            double error = Math.abs(actual[i] - expected[i]);
            worst = Double.isNaN(error) ? error : Math.max(worst, error);
        }
        assertThat(worst / Math.max(largest, 1e-30)).as(where).isLessThan(tolerance);
    }

    // ---- 16 bits ----

    private static Tensor random(long seed, DType dtype, long... shape) {
        long count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        double[] numbers = new Random(seed).doubles(count, -2, 2).toArray();
        return Tensor.of(numbers, shape).to(dtype);
    }

    /// A number rounded to 8 bits once is within 1/256 of it; where both round, within 1/128. That
    /// of float16 has 11.
    private static void assertNear(String where, Tensor actual, Tensor expected) {
        assertClose(where, actual.toDoubles(), expected.toDoubles(), 1.0 / 128);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 30, 576, 1000})
    void normsOf16BitsTakeWeightsOfEitherType(int width) {
        HALVES.forEach(type -> norms(type, width));
    }

    private void norms(DType type, int width) {
        for (DType weights : List.of(type, DType.F32)) {
            Tensor x = random(1, type, 5, width);
            Tensor w = random(2, weights, width);
            Tensor dy = random(3, type, 5, width);
            Tensor[] y = new Tensor[2];
            Tensor[] s = new Tensor[2];
            Tensor[] dx = new Tensor[2];
            for (int i = 0; i < 2; i++) {
                Kernels kernels = i == 0 ? cuda : TORCH;
                y[i] = Tensor.empty(type, 5, width);
                s[i] = Tensor.empty(DType.F32, 5);
                dx[i] = random(4, type, 5, width);
                kernels.rmsNorm(x, w, 1, 1e-5, y[i], s[i]);
                kernels.rmsNormBackward(dy, x, w, 1, s[i], dx[i], null);
            }
            assertNear("y", y[0], y[1]);
            assertClose("s", s[0].toDoubles(), s[1].toDoubles(), 1e-6);
            assertNear("dx", dx[0], dx[1]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 30, 576, 50_000})
    void crossEntropyOf16BitsIsThatOfItsNumbers(int vocabulary) {
        HALVES.forEach(type -> crossEntropy(type, vocabulary));
    }

    private void crossEntropy(DType type, int vocabulary) {
        Tensor targets = Tensor.of(new int[] {0, vocabulary - 1, vocabulary / 2});
        Tensor logits = random(1, type, 3, vocabulary);
        Tensor plain = logits.copy();
        Tensor losses = Tensor.empty(DType.F64, 3);
        Tensor expected = Tensor.empty(DType.F64, 3);
        cuda.crossEntropy(logits, targets, 0.5, losses);
        TORCH.crossEntropy(plain, targets, 0.5, expected);
        assertClose("losses", losses.toDoubles(), expected.toDoubles(), 1e-6);
        assertNear("gradient", logits, plain);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 30, 64, 80})
    void elementsOf16BitsAreThoseOfTheirNumbers(int width) {
        HALVES.forEach(type -> elements(type, width));
    }

    private void elements(DType type, int width) {
        for (Activation f : Activation.values()) {
            Tensor both = random(1, type, 7, 2L * width);
            Tensor gate = both.narrow(1, 0, width);
            Tensor up = both.narrow(1, width, width);
            Tensor made = Tensor.empty(type, 7, width);
            Tensor expected = Tensor.empty(type, 7, width);
            cuda.glu(f, gate, up, made);
            TORCH.glu(f, gate, up, expected);
            assertNear("glu", made, expected);
            Tensor dOut = random(2, type, 7, width);
            Tensor dGate = Tensor.empty(type, 7, width);
            Tensor dUp = Tensor.empty(type, 7, width);
            TORCH.gluBackward(f, dOut, gate, up, dGate, dUp);
            cuda.gluBackward(f, dOut, gate, up, gate, up);
            assertNear("dGate", gate, dGate);
            assertNear("dUp", up, dUp);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 30, 64})
    void logitsOf16BitsAreCappedAsTheirNumbers(int width) {
        for (DType type : HALVES) {
            for (boolean training : new boolean[] {false, true}) {
                Tensor made = random(1, type, 7, width);
                Tensor expected = made.copy();
                Tensor slopes = training ? Tensor.empty(type, 7, width) : null;
                Tensor expectedSlopes = training ? Tensor.empty(type, 7, width) : null;
                cuda.softCap(made, 1.5, 2, slopes);
                TORCH.softCap(expected, 1.5, 2, expectedSlopes);
                assertNear("capped", made, expected);
                if (training) {
                    assertNear("slopes", slopes, expectedSlopes);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "2, 0", "0, 3", "2, 3"})
    void attentionOf16BitsIsThatOfItsNumbers(double cap, int window) {
        HALVES.forEach(type -> attention(type, new AttentionRule(0.5, cap, window)));
    }

    /// Two sequences; and the last rows of one, which see those before them.
    private void attention(DType type, AttentionRule rule) {
        Tensor q = random(1, type, 6, 9, 12);
        Tensor k = random(2, type, 2, 9, 12);
        Tensor v = random(3, type, 9, 24);
        Tensor dOut = random(4, type, 9, 72);
        var in = new AttentionInput(q, k, v, Packing.of(0, 4, 9), 0, rule);
        Tensor[][] made = new Tensor[2][];
        for (int i = 0; i < 2; i++) {
            Kernels kernels = i == 0 ? cuda : TORCH;
            Tensor out = Tensor.empty(type, 9, 72);
            Tensor sums = Tensor.empty(DType.F32, 6, 9);
            Tensor dq = Tensor.empty(type, 6, 9, 12);
            Tensor dk = Tensor.empty(type, 2, 9, 12);
            Tensor dv = Tensor.empty(type, 9, 24);
            kernels.attention(in, out, sums, null);
            kernels.attentionBackward(in, out, sums, dOut, dq, dk, dv, null);
            var last =
                    new AttentionInput(
                            q.narrow(1, 0, 2).contiguous(), k, v, Packing.of(0, 2), 7, rule);
            Tensor after = Tensor.empty(type, 2, 72);
            kernels.attention(last, after, Tensor.empty(DType.F32, 6, 2), null);
            made[i] = new Tensor[] {out, sums, dq, dk, dv, after};
        }
        for (int t = 0; t < made[0].length; t++) {
            assertNear("tensor " + t, made[0][t], made[1][t]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 16, 32})
    void headsOf16BitsAreRotatedAndBack(int half) {
        HALVES.forEach(type -> heads(type, half));
    }

    private void heads(DType type, int half) {
        int width = 2 * half + 8;
        double[] angles = new Random(1).doubles(6L * half, -2, 2).toArray();
        Tensor cos = floats(Arrays.stream(angles).map(Math::cos), 6, half);
        Tensor sin = floats(Arrays.stream(angles).map(Math::sin), 6, half);
        Tensor x = random(2, type, 6, 3L * width);
        Tensor made = Tensor.empty(type, 3, 6, width);
        Tensor expected = Tensor.empty(type, 3, 6, width);
        cuda.rope(x, cos, sin, false, made);
        TORCH.rope(x, cos, sin, false, expected);
        assertNear("out", made, expected);
        Tensor back = Tensor.empty(type, 6, 3L * width);
        cuda.ropeBackward(made, cos, sin, false, back);
        assertNear("back", back, x);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 1001})
    void numbersOf16BitsAreDroppedInTheSamePlaces(int count) {
        HALVES.forEach(type -> dropout(type, count));
    }

    private void dropout(DType type, int count) {
        Tensor x = random(1, type, count);
        Tensor made = Tensor.empty(type, count);
        Tensor expected = Tensor.empty(type, count);
        cuda.dropout(x, 0.5, 7, made);
        TORCH.dropout(x, 0.5, 7, expected);
        assertThat(made.sameAs(expected)).isTrue();
    }

    private static Tensor floats(DoubleStream numbers, long... shape) {
        return Tensor.of(numbers.toArray(), shape).to(DType.F32);
    }

    // ---- codes ----

    static Stream<QuantizedKernelsTest.Case> cases() {
        return QuantizedKernelsTest.cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void anyRowsOfCodesExpandToTheSameBits(QuantizedKernelsTest.Case c) {
        QuantizedMatrix w = matrix(c);
        for (DType type : List.of(DType.F32, DType.BF16, DType.F16)) {
            for (int from = 0; from < c.out(); from += Math.max(1, c.out() / 3)) {
                int rows = Math.min(c.out() - from, 1 + c.out() / 3);
                Tensor made = Tensor.empty(type, rows, c.in());
                Tensor expected = Tensor.empty(type, rows, c.in());
                cuda.expand(w, from, made);
                TORCH.expand(w, from, expected);
                assertThat(made.sameAs(expected)).as("%s from %d", type, from).isTrue();
            }
        }
    }

    private static QuantizedMatrix matrix(QuantizedKernelsTest.Case c) {
        Tensor numbers = random(1, DType.F32, c.out(), c.in());
        return Quantizer.quantize("w", numbers, c.how()).matrix();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theProductOfARowIsThatOfTheExpandedMatrix(QuantizedKernelsTest.Case c) {
        QuantizedMatrix w = matrix(c);
        Tensor x = random(2, DType.F32, 1, c.in());
        Tensor made = Tensor.empty(DType.F32, 1, c.out());
        Tensor exact = Tensor.empty(DType.F64, 1, c.out());
        cuda.product(w, x, made);
        TORCH.product(w, x.to(DType.F64), exact);
        double tolerance = 1e-6 * Math.sqrt(c.in());
        assertClose("y", made.toDoubles(), exact.toDoubles(), tolerance);
        for (DType half : HALVES) {
            Tensor rounded = Tensor.empty(half, 1, c.out());
            cuda.product(w, x.to(half), rounded);
            TORCH.product(w, x.to(half).to(DType.F64), exact);
            assertClose("y in " + half, rounded.toDoubles(), exact.toDoubles(), 1.0 / 100);
        }
    }

    // ---- AdamW ----

    /// Of lengths about those of a block of threads; the second is not stepped.
    @Test
    void manyParametersAreSteppedAtOnceAsOneByOne() {
        int[] lengths = {3, 256, 1, 257, 1000, 512, 255};
        List<AdamWPart> at = new ArrayList<>();
        List<AdamWPart> expected = new ArrayList<>();
        for (int i = 0; i < lengths.length; i++) {
            Tensor p = random(4L * i, DType.F32, lengths[i]);
            Tensor g = random(4L * i + 1, DType.F32, lengths[i]);
            Tensor m = random(4L * i + 2, DType.F32, lengths[i]);
            Tensor v = random(4L * i + 3, DType.F32, lengths[i]);
            v.mulInPlace(v);
            at.add(new AdamWPart.Plain(p, g, m, v));
            expected.add(new AdamWPart.Plain(p.copy(), g.copy(), m.copy(), v.copy()));
        }
        AdamWPart left = at.remove(1);
        var step = new Kernels.AdamWStep(1e-2, 0.9, 0.999, 1e-8, 0.1, 3, 0.5);
        cuda.adamW(at, step);
        TORCH.adamW(List.of(expected.remove(1)), step);
        TORCH.adamW(expected, step);
        for (int i = 0; i < at.size(); i++) {
            assertThat(at.get(i).gradient().abs().max().item()).isZero();
            assertClose("p", at.get(i).p().toDoubles(), expected.get(i).p().toDoubles(), 3e-6);
        }
        assertThat(left.gradient().abs().max().item()).isPositive();
    }

    @Test
    void squaresOfManyTensorsAreAdded() {
        List<Tensor> tensors = new ArrayList<>();
        for (int length : new int[] {1, 256, 700, 5}) {
            tensors.add(random(length, DType.F32, length));
        }
        Tensor made = Tensor.of(new double[] {2});
        Tensor expected = Tensor.of(new double[] {2});
        cuda.addSquares(tensors, made);
        TORCH.addSquares(tensors, expected);
        assertClose("sum", made.toDoubles(), expected.toDoubles(), 1e-6);
        cuda.addSquares(List.of(tensors.getFirst()), made);
        TORCH.addSquares(List.of(tensors.getFirst()), expected);
        assertClose("sum", made.toDoubles(), expected.toDoubles(), 1e-6);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 255, 256, 257, 3000})
    void momentsIn8BitsEqualThoseOfLibtorch(int count) {
        List<byte[]> made = AdamW8bitCase.run(cuda, count);
        List<byte[]> expected = AdamW8bitCase.run(TORCH, count);
        for (int codes : new int[] {1, 3}) {
            int differing = 0;
            for (int i = 0; i < count; i++) {
                int difference = made.get(codes)[i] - expected.get(codes)[i];
                assertThat(difference).isBetween(-1, 1);
                differing += difference == 0 ? 0 : 1;
            }
            assertThat(differing).isLessThanOrEqualTo(1 + count / 1000);
        }
    }
}
