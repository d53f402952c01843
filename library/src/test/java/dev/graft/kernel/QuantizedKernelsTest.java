package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.quant.FourBitCode;
import dev.graft.quant.Quantization;
import dev.graft.quant.Quantizer;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The fast kernels for matrices in codes against the plain ones, over shapes whose blocks cross
/// rows, rows that begin within a byte, and single rows.
class QuantizedKernelsTest {
    @RegisterExtension final TestScope scope = new TestScope();

    record Case(int out, int in, Quantization how) {}

    static Stream<Case> cases() {
        int[][] shapes = {
            {1, 1},
            {3, 50},
            {5, 33},
            {40, 64},
            {64, 192},
            {130, 1000},
            {50, 1408},
            {300, 2048},
            {21, 4096}
        };
        return Stream.of(shapes)
                .flatMap(
                        s ->
                                Stream.of(
                                                new Quantization.FourBit(FourBitCode.NF4, 64, true),
                                                new Quantization.FourBit(
                                                        FourBitCode.FP4, 64, false),
                                                new Quantization.FourBit(
                                                        FourBitCode.FP4, 32, false),
                                                new Quantization.FourBit(
                                                        FourBitCode.NF4, 4096, true),
                                                new Quantization.Int8())
                                        .map(how -> new Case(s[0], s[1], how)));
    }

    private static Tensor random(long seed, int rows, int columns) {
        var random = new Random(seed);
        float[] x = new float[rows * columns];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return Tensor.of(x, rows, columns);
    }

    private static QuantizedMatrix matrix(Case c) {
        return Quantizer.quantize("w", random(1, c.out(), c.in()), c.how()).matrix();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void anyRowsExpandToTheSameBits(Case c) {
        QuantizedMatrix w = matrix(c);
        for (int from = 0; from < c.out(); from += Math.max(1, c.out() / 5)) {
            int rows = Math.min(c.out() - from, 1 + c.out() / 3);
            Tensor fast = Tensor.empty(DType.F32, rows, c.in());
            Tensor plain = Tensor.empty(DType.F32, rows, c.in());
            VectorKernels.INSTANCE.expand(w, from, fast);
            TorchKernels.INSTANCE.expand(w, from, plain);
            assertThat(fast.sameAs(plain)).isTrue();
        }
    }

    private static void assertNear(Tensor fast, Tensor exact, int in) {
        double scale = Math.max(1e-9, exact.abs().max().item());
        double off = fast.to(DType.F64).sub(exact).abs().max().item();
        assertThat(off / scale).isLessThan(1e-6 * Math.sqrt(in));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theProductOfARowIsThatOfTheExpandedMatrix(Case c) {
        QuantizedMatrix w = matrix(c);
        Tensor x = random(2, 1, c.in());
        Tensor fast = Tensor.empty(DType.F32, 1, c.out());
        VectorKernels.INSTANCE.product(w, x, fast);
        Tensor exact = Tensor.empty(DType.F64, 1, c.out());
        TorchKernels.INSTANCE.product(w, x.to(DType.F64), exact);
        assertNear(fast, exact, c.in());
    }

    @ParameterizedTest
    @CsvSource({"BF16, 3, 7", "BF16, 200, 515", "F16, 3, 7", "F16, 200, 515"})
    void theProductOfARowWithAMatrixOf16BitsIsThatOfItsNumbers(DType type, int out, int in) {
        Tensor w = random(4, out, in).to(type);
        Tensor x = random(5, 1, in);
        Tensor fast = Tensor.empty(DType.F32, 1, out);
        VectorKernels.INSTANCE.product(w, x, fast);
        Tensor exact = Tensor.empty(DType.F64, 1, out);
        TorchKernels.INSTANCE.product(w, x.to(DType.F64), exact);
        assertNear(fast, exact, in);
    }

    /// Every number of 16 bits, one at a time: denormals, infinite ones and NaN too.
    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void every16BitNumberIsReadAsWhatItIs(DType type) {
        int width = 64;
        Tensor w = Tensor.empty(type, 1 << 16, width);
        MemorySegment numbers = w.segment();
        numbers.fill((byte) 0);
        for (int i = 0; i < 1 << 16; i++) {
            numbers.setAtIndex(ValueLayout.JAVA_SHORT, (long) i * width + i % width, (short) i);
        }
        Tensor y = Tensor.empty(DType.F32, 1, 1 << 16);
        VectorKernels.INSTANCE.product(w, Tensor.full(DType.F32, 1, 1, width), y);
        float[] read = y.toFloats();
        for (int i = 0; i < 1 << 16; i++) {
            float expected =
                    type == DType.F16
                            ? Float.float16ToFloat((short) i)
                            : Float.intBitsToFloat(i << 16);
            assertThat(Float.compare(read[i], expected + 0f)).isZero(); // a sum is no -0
        }
    }

    /// In a mapped file a tensor begins where the one before it ends.
    @ParameterizedTest
    @MethodSource("cases")
    void tensorsMayBeginAtAnyByte(Case c) {
        QuantizedMatrix w = matrix(c);
        Tensor x = random(2, 1, c.in());
        Tensor y = Tensor.empty(DType.F32, 1, c.out());
        VectorKernels.INSTANCE.product(w, x, y);
        Tensor all = Tensor.empty(DType.F32, c.out(), c.in());
        VectorKernels.INSTANCE.expand(w, 0, all);
        try (var arena = Arena.ofShared()) {
            QuantizedMatrix odd = atOddBytes(w, arena);
            Tensor oddY = Tensor.empty(DType.F32, 1, c.out());
            VectorKernels.INSTANCE.product(odd, x, oddY);
            Tensor oddAll = Tensor.empty(DType.F32, c.out(), c.in());
            VectorKernels.INSTANCE.expand(odd, 0, oddAll);
            assertThat(oddY.sameAs(y)).isTrue();
            assertThat(oddAll.sameAs(all)).isTrue();
        }
    }

    private static QuantizedMatrix atOddBytes(QuantizedMatrix w, Arena arena) {
        return switch (w) {
            case FourBitMatrix m ->
                    new FourBitMatrix(
                            odd(m.codes(), arena),
                            switch (m.maxima()) {
                                case BlockMaxima.Plain(Tensor values) ->
                                        new BlockMaxima.Plain(odd(values, arena));
                                case BlockMaxima.Nested n ->
                                        new BlockMaxima.Nested(
                                                odd(n.codes(), arena),
                                                odd(n.maxima(), arena),
                                                odd(n.table(), arena),
                                                n.offset());
                            },
                            odd(m.table(), arena),
                            m.blockSize(),
                            m.out(),
                            m.in());
            case Int8Matrix m -> new Int8Matrix(odd(m.codes(), arena), odd(m.maxima(), arena));
        };
    }

    private static Tensor odd(Tensor t, Arena arena) {
        MemorySegment from = t.segment();
        MemorySegment to = arena.allocate(from.byteSize() + 1).asSlice(1);
        to.copyFrom(from);
        return Tensor.over(to, t.dtype(), t.shape());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void fastAndPlainQuantizationGiveTheSameCodes(Case c) {
        if (!(c.how() instanceof Quantization.FourBit how)) {
            return;
        }
        Tensor values = random(3, c.out(), c.in()).view(-1);
        long n = values.numel();
        long blocks = Math.ceilDiv(n, how.blockSize());
        Tensor[] codes = new Tensor[2];
        Tensor[] maxima = new Tensor[2];
        Kernels[] both = {VectorKernels.INSTANCE, TorchKernels.INSTANCE};
        for (int i = 0; i < 2; i++) {
            codes[i] = Tensor.empty(DType.U8, (n + 1) / 2);
            maxima[i] = Tensor.empty(DType.F32, blocks);
            both[i].quantize(
                    values,
                    how.code().bounds(),
                    how.code().order(),
                    how.blockSize(),
                    codes[i],
                    maxima[i]);
        }
        assertThat(codes[0].sameAs(codes[1])).isTrue();
        assertThat(maxima[0].sameAs(maxima[1])).isTrue();
    }
}
