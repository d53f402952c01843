package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.tensor.DType;
import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.Torch;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VectorKernelsTest {
    private static final Kernels VECTOR = VectorKernels.INSTANCE;
    private static final Kernels TORCH = TorchKernels.INSTANCE;
    private static final float INFINITY = Float.POSITIVE_INFINITY;

    private long liveBefore;

    @BeforeEach
    void countTensors() {
        liveBefore = Scope.liveTensors();
    }

    @AfterEach
    void nothingIsLeftAlive() {
        assertThat(Scope.liveTensors()).isEqualTo(liveBefore);
    }

    // ---- against the reference ----

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 16, 17, 64, 67, 576, 1000})
    void everyOperationEqualsTheReference(int width) {
        for (int rows : new int[] {1, 2, 33, 300}) {
            for (KernelCase c : KernelCase.all(rows, width, 31L * rows + width)) {
                double[][] actual = c.run(VECTOR, DType.F32);
                String where = c.name() + " " + rows + " x " + width;
                double most = c.name().toLowerCase(Locale.ROOT).contains("attention") ? 4e-6 : 1e-6;
                assertClose(where + " (F64)", actual, c.run(TORCH, DType.F64), most);
                assertClose(where + " (F32)", actual, c.run(TORCH, DType.F32), 3 * most);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 17, 65_536, 65_537, 300_000})
    void numbersOfAFileAreReadAsTheyAre(int count, @TempDir Path folder) throws IOException {
        try (var _ = Scope.open()) {
            double[] numbers = new Random(count).doubles(count, -4, 4).toArray();
            for (DType narrow : List.of(DType.BF16, DType.F16)) {
                Tensor half = Tensor.of(numbers).to(narrow);
                Path path = folder.resolve(narrow.toString());
                Files.write(path, half.segment().toArray(ValueLayout.JAVA_BYTE));
                Tensor actual = Tensor.full(DType.F32, 7, count);
                try (var file = FileBytes.open(path, 2L * count).orElseThrow()) {
                    VECTOR.read(file, narrow, actual);
                }
                assertThat(actual.toFloats()).isEqualTo(half.to(DType.F32).toFloats());
            }
        }
    }

    static void assertClose(
            String where, double[][] actual, double[][] expected, double tolerance) {
        for (int k = 0; k < expected.length; k++) {
            double largest = Arrays.stream(expected[k]).map(Math::abs).max().orElseThrow();
            double worst = 0;
            for (int i = 0; i < expected[k].length; i++) {
                double error = Math.abs(actual[k][i] - expected[k][i]);
                worst = Double.isNaN(error) ? error : Math.max(worst, error);
            }
            assertThat(worst / Math.max(largest, 1e-30))
                    .as("%s, tensor %d", where, k)
                    .isLessThan(tolerance);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 15, 16, 33, 40_007, 300_000})
    void addedHalvesAreExact(int count) {
        try (var _ = Scope.open()) {
            double[] numbers = new Random(count).doubles(2L * count, -4, 4).toArray();
            Tensor half = Tensor.of(Arrays.copyOf(numbers, count)).to(DType.BF16);
            Tensor before = Tensor.of(Arrays.copyOfRange(numbers, count, 2 * count)).to(DType.F32);
            Tensor expected = before.copy();
            TORCH.addHalf(half, expected);
            Tensor sum = before.copy();
            VECTOR.addHalf(half, sum);
            assertThat(sum.toFloats()).isEqualTo(expected.toFloats());
            assertThat(sum.toFloats()).isNotEqualTo(before.toFloats());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 15, 16, 33, 40_007, 300_000})
    void widenedHalvesAreExact(int count) {
        try (var _ = Scope.open()) {
            double[] numbers = new Random(count).doubles(count, -4, 4).toArray();
            numbers[count / 2] = Double.NEGATIVE_INFINITY;
            numbers[count / 3] = Double.NaN;
            numbers[count - 1] = 1e-40; // a denormal
            for (DType narrow : List.of(DType.BF16, DType.F16)) {
                Tensor half = Tensor.of(numbers).to(narrow);
                Tensor expected = Tensor.empty(DType.F32, count);
                TORCH.convert(half, expected);
                Tensor actual = Tensor.full(DType.F32, 7, count);
                VECTOR.convert(half, actual);
                assertThat(actual.toFloats()).isEqualTo(expected.toFloats());
            }
        }
    }

    @Test
    void crossEntropyOfALargeVocabularyEqualsDoublePrecision() {
        KernelCase c = KernelCase.crossEntropy(3, 150_001, new Random(5));
        assertClose("V 150001", c.run(VECTOR, DType.F32), c.run(TORCH, DType.F64), 1e-6);
    }

    // ---- the same bits, always ----

    @Test
    void theNumberOfThreadsDoesNotChangeABitButOfProducts() {
        int threads = Torch.threads();
        try {
            for (KernelCase c : KernelCase.all(300, 576, 7)) {
                Torch.setThreads(1);
                double[][] alone = c.run(VECTOR, DType.F32);
                for (int n : new int[] {2, 5}) {
                    Torch.setThreads(n);
                    double[][] shared = c.run(VECTOR, DType.F32);
                    if (c.name().startsWith("multiply")) { // BLAS sums by the shape of a piece
                        assertClose(c.name() + ", threads " + n, shared, alone, 1e-5);
                    } else {
                        assertSameBits(c.name() + ", threads " + n, shared, alone);
                    }
                }
            }
        } finally {
            Torch.setThreads(threads);
        }
    }

    @Test
    void runningAgainGivesTheSameBits() {
        for (KernelCase c : KernelCase.all(64, 1000, 8)) {
            double[][] first = c.run(VECTOR, DType.F32);
            for (int i = 0; i < 5; i++) {
                assertSameBits(c.name() + ", run " + i, c.run(VECTOR, DType.F32), first);
            }
        }
    }

    @Test
    void interpreterAndCompilersGiveTheSameBits() throws IOException, InterruptedException {
        String interpreted = digestOf("-Xint");
        assertThat(digestOf("-XX:TieredStopAtLevel=1")).as("C1").isEqualTo(interpreted);
        for (int i = 0; i < 300; i++) { // until C2 has compiled what it wants to
            assertThat("digest " + KernelDigest.of()).as("run %d", i).isEqualTo(interpreted);
        }
    }

    private static String digestOf(String mode) throws IOException, InterruptedException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--add-modules=jdk.incubator.vector");
        command.add("--enable-native-access=ALL-UNNAMED");
        // such as -XX:UseAVX=2: the order of a sum depends on the length of the vectors
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(a -> a.startsWith("-XX:"))
                .forEach(command::add);
        command.add(mode);
        command.add("-cp");
        String path = System.getProperty("java.class.path");
        command.add(System.getProperty("surefire.test.class.path", path));
        command.add(KernelDigest.class.getName());
        var process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("exit code with %s", mode).isZero();
        return out.strip();
    }

    private static void assertSameBits(String where, double[][] actual, double[][] expected) {
        for (int k = 0; k < expected.length; k++) {
            assertThat(Arrays.equals(actual[k], expected[k])).as("%s, %d", where, k).isTrue();
        }
    }

    @Test
    void severalThreadsAtOnceGetTheirOwnResults() throws InterruptedException, ExecutionException {
        List<KernelCase> cases = KernelCase.all(64, 1000, 9);
        var expected = cases.stream().map(c -> c.run(VECTOR, DType.F32)).toList();
        try (var pool = Executors.newFixedThreadPool(4)) {
            var waiting = new ArrayList<java.util.concurrent.Future<?>>();
            for (int thread = 0; thread < 4; thread++) {
                waiting.add(
                        pool.submit(
                                () -> {
                                    for (int i = 0; i < 3 * cases.size(); i++) {
                                        int k = i % cases.size();
                                        double[][] out = cases.get(k).run(VECTOR, DType.F32);
                                        assertSameBits(cases.get(k).name(), out, expected.get(k));
                                    }
                                }));
            }
            for (var w : waiting) {
                w.get();
            }
        }
    }

    // ---- extreme values ----

    @Test
    void exponentialIsWithinTwoUlp() {
        float[] lanes = new float[Lanes.LENGTH];
        double worst = 0;
        for (float x = -87.32f; x < 88.36f; x += 0.000173f) {
            Lanes.exp(Lanes.all(x)).intoArray(lanes, 0);
            double exact = StrictMath.exp(x);
            worst = Math.max(worst, Math.abs(lanes[0] - exact) / Math.ulp((float) exact));
        }
        assertThat(worst).isLessThan(2);
    }

    @Test
    void exponentialOfExtremesIsZeroInfiniteOrNaN() {
        float[] lanes = new float[Lanes.LENGTH];
        float[] xs = {-INFINITY, -Float.MAX_VALUE, -1e4f, -87.4f, -0f, 0, 88.4f, 1e30f, INFINITY};
        float[] ys = {0, 0, 0, 0, 1, 1, INFINITY, INFINITY, INFINITY};
        for (int i = 0; i < xs.length; i++) {
            Lanes.exp(Lanes.all(xs[i])).intoArray(lanes, 0);
            assertThat(lanes[0]).as("exp(%s)", xs[i]).isEqualTo(ys[i]);
        }
        for (int bits : new int[] {0x7fc00000, 0x7f800001, 0x7fffffff, 0xffc00001}) {
            Lanes.exp(Lanes.all(Float.intBitsToFloat(bits))).intoArray(lanes, 0);
            assertThat(lanes[0]).isNaN();
        }
    }

    @Test
    void crossEntropyOfHugeAndMinusInfiniteLogitsEqualsDoublePrecision() {
        double[] logits = new double[9001];
        Arrays.fill(logits, Double.NEGATIVE_INFINITY);
        logits[5000] = 1e4;
        logits[5001] = 9999;
        logits[8999] = -1e4;
        logits[9000] = 9998.5;
        for (int target : new int[] {5000, 5001, 9000}) {
            KernelCase c =
                    new KernelCase(
                            "",
                            new long[][] {{1, logits.length}},
                            new double[][] {logits},
                            (k, t) -> KernelCase.crossEntropy(k, t[0], new int[] {target}, 2));
            assertClose("", c.run(VECTOR, DType.F32), c.run(TORCH, DType.F64), 1e-6);
        }
    }

    @Test
    void aBlockOfMinusInfinityBeforeVeryNegativeLogitsLeavesTheGradientFinite() {
        double[] logits = new double[9001];
        Arrays.fill(logits, 0, 4096, Double.NEGATIVE_INFINITY);
        Arrays.fill(logits, 4096, 9001, -200);
        KernelCase c =
                new KernelCase(
                        "",
                        new long[][] {{1, logits.length}},
                        new double[][] {logits},
                        (k, t) -> KernelCase.crossEntropy(k, t[0], new int[] {5000}, 1));
        assertClose("", c.run(VECTOR, DType.F32), c.run(TORCH, DType.F64), 1e-6);
    }

    @Test
    void crossEntropyNeverHidesNaN() {
        try (var _ = Scope.open()) {
            for (int at : new int[] {0, 15, 4095, 4096, 8191, 8192, 9000}) {
                float[] values = new float[2 * 9001];
                Arrays.fill(values, at == 0 ? -INFINITY : 1);
                values[9001 + at] = Float.NaN;
                Tensor logits = Tensor.of(values, 2, 9001);
                int[] targets = {3, 3};
                assertThat(KernelCase.crossEntropy(VECTOR, logits, targets, 1))
                        .as("%d", at)
                        .isNaN();
                float[] row = Arrays.copyOfRange(logits.toFloats(), 9001, 2 * 9001);
                for (float v : row) {
                    assertThat(v).isNaN();
                }
            }
        }
    }

    @Test
    void crossEntropyRefusesTargetsOutsideTheVocabulary() {
        try (var _ = Scope.open()) {
            Tensor logits = Tensor.zeros(DType.F32, 1, 5);
            for (int target : new int[] {-100, 5}) {
                int[] targets = {target};
                assertThatThrownBy(() -> KernelCase.crossEntropy(VECTOR, logits, targets, 1))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("found target " + target);
            }
        }
    }

    @Test
    void hugeGatesSaturateAndNaNStaysNaN() {
        try (var _ = Scope.open()) {
            float[] gates = {1e4f, -1e4f, 88.5f, -88.5f, 0, Float.NaN};
            Tensor gate = Tensor.of(gates);
            Tensor one = Tensor.full(DType.F32, 1, gates.length);
            Tensor out = Tensor.empty(DType.F32, gates.length);
            Tensor dGate = Tensor.empty(DType.F32, gates.length);
            Tensor dUp = Tensor.empty(DType.F32, gates.length);
            VECTOR.glu(Activation.SILU, gate, one, out);
            VECTOR.gluBackward(Activation.SILU, one, gate, one, dGate, dUp);
            float[] silu = {1e4f, -0f, 88.5f, -0f, 0, Float.NaN};
            assertThat(out.toFloats()).usingElementComparator(Float::compare).containsExactly(silu);
            assertThat(dUp.toFloats()).usingElementComparator(Float::compare).containsExactly(silu);
            float[] slopes = dGate.toFloats();
            assertThat(slopes[0]).isEqualTo(1);
            assertThat(slopes[1]).isZero();
            assertThat(slopes[4]).isEqualTo(0.5f);
            assertThat(slopes[5]).isNaN();
        }
    }

    @Test
    void everyOperationPassesNaNOn() {
        for (KernelCase c : KernelCase.all(33, 67, 10)) {
            if (c.name().equals("attention")) {
                continue; // a NaN of a row reaches columns that the row does not see, or not
            }
            c.values()[0][66] = Double.NaN;
            double[][] out = c.run(VECTOR, DType.F32);
            double[][] expected = c.run(TORCH, DType.F32);
            for (int k = 0; k < out.length; k++) {
                for (int i = 0; i < out[k].length; i++) {
                    assertThat(Double.isNaN(out[k][i]))
                            .as("%s tensor %d at %d", c.name(), k, i)
                            .isEqualTo(Double.isNaN(expected[k][i]));
                }
            }
        }
    }

    // ---- memory ----

    @Test
    void gluBackwardMayOverwriteItsInputs() {
        KernelCase apart = KernelCase.gluBackward(Activation.SILU, 33, 67, new Random(11));
        double[][] expected = apart.run(VECTOR, DType.F32);
        KernelCase aliased =
                new KernelCase(
                        "aliased",
                        apart.shapes(),
                        apart.values(),
                        (k, t) -> {
                            k.gluBackward(Activation.SILU, t[0], t[1], t[2], t[1], t[2]);
                            return 0;
                        });
        double[][] actual = aliased.run(VECTOR, DType.F32);
        assertThat(actual[1]).isEqualTo(expected[3]);
        assertThat(actual[2]).isEqualTo(expected[4]);
    }

    @Test
    void frozenNormWeightGetsNoGradient() {
        KernelCase c = KernelCase.rmsNormBackward(33, 67, 0, new Random(12));
        KernelCase frozen =
                new KernelCase(
                        "frozen",
                        c.shapes(),
                        c.values(),
                        (k, t) -> {
                            k.rmsNormBackward(t[0], t[1], t[2], 0, t[3], t[4], null);
                            return 0;
                        });
        double[][] out = frozen.run(VECTOR, DType.F32);
        assertThat(out[4]).isEqualTo(c.run(VECTOR, DType.F32)[4]);
        assertThat(out[5]).isEqualTo(c.values()[5]);
    }

    @Test
    void wrongTypeOrShapeIsRefused() {
        try (var _ = Scope.open()) {
            Tensor a = Tensor.zeros(DType.F32, 2, 4);
            Tensor doubles = Tensor.zeros(DType.F64, 2, 4);
            Tensor small = Tensor.zeros(DType.F32, 2, 3);
            assertThatThrownBy(() -> VECTOR.glu(Activation.SILU, a, doubles, a))
                    .hasMessage("glu: found F64[2, 4], expected F32 of 8 elements");
            assertThatThrownBy(() -> VECTOR.glu(Activation.SILU, a, a, small))
                    .hasMessage("glu: found F32[2, 3], expected F32 of 8 elements");
        }
    }

    @Test
    void float32OnTheCpuGetsTheVectorKernels() {
        try (var _ = Scope.open()) {
            assertThat(Kernels.of(Tensor.zeros(DType.F32, 1))).isSameAs(VECTOR);
            assertThat(Kernels.of(Tensor.zeros(DType.F64, 1))).isSameAs(TORCH);
            assertThat(Kernels.of(Tensor.zeros(DType.BF16, 1))).isSameAs(TORCH);
        }
    }
}
