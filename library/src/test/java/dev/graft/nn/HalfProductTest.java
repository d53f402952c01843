package dev.graft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.quant.Quantization;
import dev.graft.quant.Quantizer;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class HalfProductTest {
    private static final double HALF = 0x1p-8; // a number is rounded by that much of it
    private static final int OUT = 7000; // of 700: 10 MB in bfloat16, two panels

    @RegisterExtension final TestScope scope = new TestScope();
    private Workspace workspace;

    @BeforeEach
    void open() {
        workspace = new Workspace(DType.BF16);
    }

    @AfterEach
    void close() {
        workspace.close();
    }

    private static Tensor random(int seed, long... shape) {
        return Oracle.random(seed, shape).to(DType.F32);
    }

    private static Tensor rounded(Tensor x) {
        return x.to(DType.BF16).to(DType.F64);
    }

    /// Within the rounding of the result and of its sum in float32.
    private static void assertRounded(Tensor found, Tensor expected, Tensor magnitude) {
        double[] f = found.toDoubles();
        double[] e = expected.toDoubles();
        double[] m = magnitude.toDoubles();
        assertThat(f).hasSameSizeAs(e);
        for (int i = 0; i < f.length; i++) {
            assertThat(f[i]).isCloseTo(e[i], within(HALF * Math.abs(e[i]) + 1e-5 * m[i]));
        }
    }

    private static FrozenWeight weight(Tensor w, DType stored) {
        return new FrozenWeight.Dense(w.to(stored), DType.F32);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void productsAreThoseOfRoundedFactors(DType stored) {
        Tensor w = random(1, OUT, 700);
        Tensor x = random(2, 5, 700);
        Tensor y = Tensor.empty(DType.F32, 5, OUT);
        weight(w, stored).product(x, y, workspace);
        Tensor kept = rounded(w.to(stored).to(DType.F32));
        assertRounded(y, rounded(x).matmul(kept.t()), rounded(x).abs().matmul(kept.abs().t()));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void panelsOfATransposedProductAddUpInFloat32(boolean add) {
        Tensor w = random(1, OUT, 700);
        Tensor dy = random(2, 5, OUT);
        Tensor before = random(3, 5, 700);
        Tensor dx = before.copy();
        weight(w, DType.F32).productTransposed(dy, dx, add, workspace);
        long panel = HalfProduct.panelRows(5, 700, OUT, false);
        assertThat(panel).isBetween(1L, OUT - 1L);
        Tensor first = part(dy, w, 0, panel);
        Tensor second = part(dy, w, panel, OUT - panel);
        double[] found = dx.toDoubles();
        double[] a = first.toDoubles();
        double[] b = second.toDoubles();
        double[] c = before.toDoubles();
        double[] magnitude = rounded(dy).abs().matmul(rounded(w).abs()).toDoubles();
        for (int i = 0; i < found.length; i++) {
            double bound = HALF * (Math.abs(a[i]) + Math.abs(b[i])) + 1e-5 * magnitude[i];
            assertThat(found[i]).isCloseTo(a[i] + b[i] + (add ? c[i] : 0), within(bound));
        }
    }

    private static Tensor part(Tensor dy, Tensor w, long row, long rows) {
        return rounded(dy.narrow(1, row, rows)).matmul(rounded(w.narrow(0, row, rows)));
    }

    @Test
    void codesAreExpandedBeforeTheyAreRounded() {
        Tensor w = random(1, 96, 128);
        var codes = Quantizer.quantize("w", w, Quantization.FourBit.DEFAULT);
        var weight = new FrozenWeight.Quantized(codes, DType.F32);
        int rows = FrozenWeight.FEW_FOR_CODES + 1;
        Tensor x = random(2, rows, 128);
        Tensor y = Tensor.empty(DType.F32, rows, 96);
        weight.product(x, y, workspace);
        Tensor kept = rounded(weight.expanded());
        assertRounded(y, rounded(x).matmul(kept.t()), rounded(x).abs().matmul(kept.abs().t()));
    }

    @Test
    void aFewRowsAreMultipliedWithCodesUnrounded() {
        Tensor w = random(1, 96, 128);
        var codes = Quantizer.quantize("w", w, Quantization.FourBit.DEFAULT);
        var weight = new FrozenWeight.Quantized(codes, DType.F32);
        Tensor x = random(2, FrozenWeight.FEW_FOR_CODES, 128);
        Tensor y = Tensor.empty(DType.F32, FrozenWeight.FEW_FOR_CODES, 96);
        weight.product(x, y, workspace);
        double[] expected = x.to(DType.F64).matmul(weight.expanded().to(DType.F64).t()).toDoubles();
        assertThat(y.toDoubles()).containsExactly(expected, within(1e-5));
    }

    @Test
    void aWorkspaceOfFloat32RoundsNothing() {
        Tensor w = random(1, 64, 32);
        Tensor x = random(2, 5, 32);
        Tensor y = Tensor.empty(DType.F32, 5, 64);
        try (var plain = new Workspace()) {
            weight(w, DType.F32).product(x, y, plain);
        }
        Tensor expected = x.to(DType.F64).matmul(w.to(DType.F64).t());
        double[] found = y.toDoubles();
        double[] wanted = expected.toDoubles();
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).isCloseTo(wanted[i], within(1e-5));
        }
    }
}
