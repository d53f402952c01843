package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.List;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The gradients of the reference against finite differences in double precision.
class TorchKernelsTest {
    private static final Kernels TORCH = TorchKernels.INSTANCE;
    private static final double STEP = 1e-6;
    private static final double BFLOAT16 = 0x1p-8; // half of the distance of two numbers around 1

    private final Random random = new Random(1);

    @Test
    void rmsNormBackwardIsTheDerivativeOfRmsNorm() {
        double[] x = randoms(3 * 5);
        double[] w = randoms(5);
        double[] dy = randoms(3 * 5);
        try (var _ = Scope.open()) {
            Tensor s = Tensor.empty(DType.F64, 3);
            Tensor y = Tensor.empty(DType.F64, 3, 5);
            TORCH.rmsNorm(Tensor.of(x, 3, 5), Tensor.of(w), 0, 1e-2, y, s);
            Tensor dx = Tensor.zeros(DType.F64, 3, 5);
            Tensor dw = Tensor.zeros(DType.F64, 5);
            TORCH.rmsNormBackward(
                    Tensor.of(dy, 3, 5), Tensor.of(x, 3, 5), Tensor.of(w), 0, s, dx, dw);
            assertDerivative(dx, x, v -> rmsNorm(v, w, dy));
            assertDerivative(dw, w, v -> rmsNorm(x, v, dy));
        }
    }

    private static double rmsNorm(double[] x, double[] w, double[] dy) {
        Tensor y = Tensor.empty(DType.F64, 3, 5);
        Tensor s = Tensor.empty(DType.F64, 3);
        TORCH.rmsNorm(Tensor.of(x, 3, 5), Tensor.of(w), 0, 1e-2, y, s);
        return dot(y, dy);
    }

    @Test
    void ropeBackwardIsTheDerivativeOfRope() {
        double[] x = randoms(3 * 8);
        double[] cos = randoms(3 * 2); // not of one angle: the derivative must hold all the same
        double[] sin = randoms(3 * 2);
        double[] dOut = randoms(2 * 3 * 4);
        try (var _ = Scope.open()) {
            Tensor dx = Tensor.empty(DType.F64, 3, 8);
            TORCH.ropeBackward(
                    Tensor.of(dOut, 2, 3, 4),
                    Tensor.of(cos, 3, 2),
                    Tensor.of(sin, 3, 2),
                    false,
                    dx);
            assertDerivative(
                    dx,
                    x,
                    v -> {
                        Tensor out = Tensor.empty(DType.F64, 2, 3, 4);
                        Tensor c = Tensor.of(cos, 3, 2);
                        TORCH.rope(Tensor.of(v, 3, 8), c, Tensor.of(sin, 3, 2), false, out);
                        return dot(out, dOut);
                    });
        }
    }

    @Test
    void ropeTurnsTheHalvesOfEachHead() {
        try (var _ = Scope.open()) {
            Tensor x = Tensor.of(new double[] {1, 2, 3, 4, 5, 6, 7, 8}, 1, 8);
            Tensor cos = Tensor.of(new double[] {0, 0.5}, 1, 2);
            Tensor sin = Tensor.of(new double[] {1, 2}, 1, 2);
            Tensor out = Tensor.empty(DType.F64, 2, 1, 4);
            TORCH.rope(x, cos, sin, false, out);
            assertThat(out.toDoubles()).containsExactly(-3, -7, 1, 6, -7, -13, 5, 16);
        }
    }

    @Test
    void swiGluBackwardIsTheDerivativeOfSwiGlu() {
        double[] gate = randoms(12);
        double[] up = randoms(12);
        double[] dOut = randoms(12);
        try (var _ = Scope.open()) {
            Tensor dGate = Tensor.empty(DType.F64, 12);
            Tensor dUp = Tensor.empty(DType.F64, 12);
            TORCH.gluBackward(
                    Activation.SILU, Tensor.of(dOut), Tensor.of(gate), Tensor.of(up), dGate, dUp);
            assertDerivative(dGate, gate, v -> swiGlu(v, up, dOut));
            assertDerivative(dUp, up, v -> swiGlu(gate, v, dOut));
        }
    }

    private static double swiGlu(double[] gate, double[] up, double[] dOut) {
        Tensor out = Tensor.empty(DType.F64, gate.length);
        TORCH.glu(Activation.SILU, Tensor.of(gate), Tensor.of(up), out);
        return dot(out, dOut);
    }

    @Test
    void attentionBackwardIsTheDerivativeOfAttention() {
        double[] q = randoms(4 * 5 * 3);
        double[] k = randoms(2 * 5 * 3);
        double[] v = randoms(5 * 2 * 3);
        double[] dOut = randoms(5 * 4 * 3);
        for (var rule : List.of(AttentionRule.plain(0.7), new AttentionRule(0.7, 1.5, 2))) {
            try (var _ = Scope.open()) {
                var in = attention(q, k, v, rule);
                Tensor out = Tensor.empty(DType.F64, 5, 12);
                Tensor sums = Tensor.empty(DType.F64, 4, 5);
                TORCH.attention(in, out, sums, null);
                Tensor dq = Tensor.empty(DType.F64, 4, 5, 3);
                Tensor dk = Tensor.empty(DType.F64, 2, 5, 3);
                Tensor dv = Tensor.empty(DType.F64, 5, 6);
                Tensor d = Tensor.of(dOut, 5, 12);
                TORCH.attentionBackward(in, out, sums, d, dq, dk, dv, null);
                assertDerivative(dq, q, x -> attended(attention(x, k, v, rule), dOut));
                assertDerivative(dk, k, x -> attended(attention(q, x, v, rule), dOut));
                assertDerivative(dv, v, x -> attended(attention(q, k, x, rule), dOut));
            }
        }
    }

    private static AttentionInput attention(
            double[] q, double[] k, double[] v, AttentionRule rule) {
        return new AttentionInput(
                Tensor.of(q, 4, 5, 3),
                Tensor.of(k, 2, 5, 3),
                Tensor.of(v, 5, 6),
                Packing.of(0, 2, 5),
                0,
                rule);
    }

    private static double attended(AttentionInput in, double[] dOut) {
        Tensor out = Tensor.empty(DType.F64, 5, 12);
        TORCH.attention(in, out, Tensor.empty(DType.F64, 4, 5), null);
        return dot(out, dOut);
    }

    @Test
    void crossEntropyGradientIsTheDerivativeOfItsLoss() {
        double[] logits = randoms(3 * 7);
        int[] targets = {0, 6, 2};
        try (var _ = Scope.open()) {
            Tensor gradient = Tensor.of(logits, 3, 7);
            KernelCase.crossEntropy(TORCH, gradient, targets, 0.25);
            assertDerivative(
                    gradient,
                    logits,
                    v -> 0.25 * KernelCase.crossEntropy(TORCH, Tensor.of(v, 3, 7), targets, 1));
        }
    }

    private static void assertDerivative(
            Tensor analytic, double[] at, ToDoubleFunction<double[]> f) {
        double[] gradient = analytic.toDoubles();
        assertThat(gradient).hasSameSizeAs(at);
        for (int i = 0; i < at.length; i++) {
            double slope = (valueNear(at, i, STEP, f) - valueNear(at, i, -STEP, f)) / (2 * STEP);
            assertThat(gradient[i]).as("element %d", i).isCloseTo(slope, within(2e-8));
        }
    }

    private static double valueNear(double[] at, int i, double step, ToDoubleFunction<double[]> f) {
        double[] moved = at.clone();
        moved[i] += step;
        try (var _ = Scope.open()) {
            return f.applyAsDouble(moved);
        }
    }

    private static double dot(Tensor t, double[] weights) {
        double[] values = t.toDoubles();
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            sum += values[i] * weights[i];
        }
        return sum;
    }

    /// Adapters in float32 beside activations in bfloat16.
    @ParameterizedTest
    @CsvSource({
        "BF16, F32, BF16, 0.5, 1",
        "BF16, F32, BF16, 0.5, 0",
        "BF16, F32, BF16, 1, 0",
        "BF16, BF16, F32, 1, 1",
        "BF16, BF16, F32, 0.5, 0.25",
        "F32, BF16, BF16, 2, 1"
    })
    void productsOfTwoTypesAreTakenInTheNarrowerOne(
            DType left, DType right, DType result, double alpha, double beta) {
        try (var _ = Scope.open()) {
            Tensor a = Tensor.of(randoms(7 * 3), 7, 3).to(left);
            Tensor b = Tensor.of(randoms(5 * 3), 5, 3).to(right);
            Tensor c = Tensor.of(randoms(7 * 5), 7, 5).to(result);
            Tensor product = narrowed(a).matmul(narrowed(b).t()).mul(alpha);
            Tensor before = c.to(DType.F64).mul(beta);
            TORCH.multiply(alpha, Factor.plain(a), Factor.transposed(b), beta, c);
            Tensor off = c.to(DType.F64).sub(before.add(product)).abs();
            Tensor most = before.abs().add(product.abs()).mul(BFLOAT16).add(BFLOAT16);
            assertThat(off.sub(most).max().item()).isLessThan(0);
        }
    }

    private static Tensor narrowed(Tensor t) {
        return t.to(DType.BF16).to(DType.F64);
    }

    private double[] randoms(int count) {
        return random.doubles(count, -1.5, 1.5).toArray();
    }
}
