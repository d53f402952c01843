package dev.graft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.kernel.Activation;
import dev.graft.kernel.AttentionRule;
import dev.graft.kernel.Packing;
import dev.graft.nn.Oracle.Operation;
import dev.graft.nn.RopeTable.Angles;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.util.Arrays;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every operation's backward pass against autograd and finite differences in float64.
class GradientTest {
    private static final double EXACT = Oracle.EXACT;

    @RegisterExtension final TestScope scope = new TestScope();
    private Workspace workspace;

    @BeforeEach
    void open() {
        workspace = new Workspace();
    }

    @AfterEach
    void close() {
        workspace.close();
    }

    private void check(Tensor x, Operation operation, Function<Tensor, Tensor> plain) {
        Oracle.check(workspace, x, operation, plain);
    }

    private static Tensor plainNorm(Tensor x, Tensor w) {
        return x.mul(x.mul(x).mean(1, true).add(1e-5).rsqrt()).mul(w);
    }

    @Test
    void rmsNorm() {
        Tensor w = Oracle.random(2, 7);
        var norm = new RmsNorm("norm", w, 1e-5);
        check(Oracle.random(1, 5, 7), (tape, x) -> norm.forward(tape, x), x -> plainNorm(x, w));
    }

    @Test
    void trainedRmsNormWeight() {
        Tensor x = Oracle.random(1, 5, 7);
        var parameter = Oracle.parameter(2, 7);
        var norm = new RmsNorm("norm", parameter.value(), 1e-5);
        norm.train(parameter);
        Tensor direction = Oracle.random(3, 5, 7);
        Oracle.gradients(
                workspace, tape -> new Var[] {norm.forward(tape, tape.var(x, false))}, direction);
        Tensor expected = Oracle.autograd(parameter.value(), w -> plainNorm(x, w), direction);
        Oracle.assertClose("dw", parameter.gradient(), expected, EXACT);
    }

    @Test
    void linearWithLoraAndBias() {
        Tensor w = Oracle.random(1, 6, 4);
        Tensor bias = Oracle.random(2, 6);
        var part = new LowRank(Oracle.parameter(3, 2, 4), Oracle.parameter(4, 6, 2), 1.5, 0);
        var linear = new Linear("linear", new FrozenWeight.Dense(w, DType.F64), bias);
        linear.attach(part);
        check(
                Oracle.random(5, 3, 4),
                (tape, x) -> linear.forward(tape, x),
                x -> plainLora(x, w, bias, part.a().value(), part.b().value()));
        Tensor x = Oracle.random(5, 3, 4);
        Tensor direction = Oracle.random(99, 3, 6);
        Tensor a = part.a().value();
        Tensor b = part.b().value();
        Oracle.assertClose(
                "dA",
                part.a().gradient(),
                Oracle.autograd(a, v -> plainLora(x, w, bias, v, b), direction),
                EXACT);
        Oracle.assertClose(
                "dB",
                part.b().gradient(),
                Oracle.autograd(b, v -> plainLora(x, w, bias, a, v), direction),
                EXACT);
    }

    private static Tensor plainLora(Tensor x, Tensor w, Tensor bias, Tensor a, Tensor b) {
        return x.matmul(w.t()).add(bias).add(x.matmul(a.t()).matmul(b.t()).mul(1.5));
    }

    @Test
    void trainedLinearAndBias() {
        var weight = Oracle.parameter(1, 6, 4);
        var bias = Oracle.parameter(2, 6);
        var linear = new Linear("linear", new TrainedWeight(weight), bias.value());
        linear.trainBias(bias);
        Tensor x = Oracle.random(3, 5, 4);
        check(
                x,
                (tape, v) -> linear.forward(tape, v),
                v -> v.matmul(weight.value().t()).add(bias.value()));
        Tensor direction = Oracle.random(99, 5, 6);
        Oracle.assertClose("dW", weight.gradient(), direction.t().matmul(x), EXACT);
        Oracle.assertClose("db", bias.gradient(), direction.sum(0, false), EXACT);
    }

    @Test
    void dropoutOfTheBackwardPassIsThatOfTheForwardPass() {
        Tensor w = Tensor.zeros(DType.F64, 6, 50);
        var part = new LowRank(Oracle.parameter(3, 2, 50), Oracle.parameter(4, 6, 2), 1, 0.4);
        var linear = new Linear("linear", new FrozenWeight.Dense(w, DType.F64), null);
        linear.attach(part);
        Tensor x = Oracle.random(5, 3, 50);
        Tensor direction = Oracle.random(6, 3, 6);
        Tensor[] dx =
                Oracle.gradients(
                        workspace,
                        tape -> {
                            Var in = tape.var(x, true);
                            return new Var[] {in, linear.forward(tape, in)};
                        },
                        direction);
        // The map is linear in x: Σ x ⊙ dx is the output along the direction, mask included.
        Tensor[] output = new Tensor[1];
        try (var tape = Tape.recording(workspace, 7)) {
            output[0] = linear.forward(tape, tape.var(x, true)).value();
        }
        double forward = output[0].mul(direction).sum().item();
        double backward = x.mul(dx[0]).sum().item();
        assertThat(backward).isCloseTo(forward, within(1e-9));
        long zeros = dx[0].abs().gt(0).to(DType.F64).neg().add(1).sum().toInts()[0];
        assertThat(zeros).isBetween(30L, 90L); // 40 % of 150
    }

    @Test
    void swiGlu() {
        Tensor up = Oracle.random(2, 4, 5);
        check(
                Oracle.random(1, 4, 5),
                (tape, x) -> GatedMlp.glu(tape, Activation.SILU, x, tape.var(up.copy(), true)),
                x -> x.mul(x.sigmoid()).mul(up));
        Tensor gate = Oracle.random(3, 4, 5);
        check(
                up,
                (tape, x) -> GatedMlp.glu(tape, Activation.SILU, tape.var(gate.copy(), true), x),
                x -> gate.mul(gate.sigmoid()).mul(x));
    }

    @Test
    void residualGivesItsGradientToBoth() {
        Tensor w = Oracle.random(2, 5, 5);
        var linear = new Linear("linear", new FrozenWeight.Dense(w, DType.F64), null);
        check(
                Oracle.random(1, 4, 5),
                (tape, x) -> Residual.forward(tape, x, linear.forward(tape, x)),
                x -> x.add(x.matmul(w.t())));
    }

    @Test
    void rope() {
        var table = new RopeTable(new float[] {1f, 0.25f, 0.125f}, 1);
        Angles angles = table.at(new int[] {0, 1, 2, 0, 1}, DType.F64);
        check(
                Oracle.random(1, 5, 12),
                (tape, x) -> Rope.forward(tape, x, angles, 6),
                x -> plainRope(x, angles));
    }

    private static Tensor plainRope(Tensor x, Angles angles) {
        Tensor heads = x.view(5, 2, 6).transpose(0, 1);
        Tensor a = heads.narrow(2, 0, 3);
        Tensor b = heads.narrow(2, 3, 3);
        Tensor c = angles.cos();
        Tensor s = angles.sin();
        return Tensor.cat(2, a.mul(c).sub(b.mul(s)), b.mul(c).add(a.mul(s)));
    }

    /// N heads, K key heads, two sequences, the second longer than a block of rows.
    @ParameterizedTest
    @CsvSource({"2, 2, 5, 9", "4, 2, 3, 70", "3, 1, 1, 130", "4, 4, 64, 65"})
    void attention(int heads, int keyHeads, int first, int second) {
        int width = 4;
        int[] offsets = {0, first, first + second};
        int tokens = first + second;
        Tensor q = Oracle.random(1, heads, tokens, width);
        Tensor k = Oracle.random(2, keyHeads, tokens, width);
        Tensor v = Oracle.random(3, tokens, (long) keyHeads * width);
        Tensor direction = Oracle.random(4, tokens, (long) heads * width);
        Tensor expected = plainAttention(q, k, v, offsets);
        Tensor[] gradients =
                Oracle.gradients(
                        workspace,
                        tape -> {
                            Var a = tape.var(q, true);
                            Var b = tape.var(k, true);
                            Var c = tape.var(v, true);
                            Var out =
                                    Attention.forward(
                                            tape,
                                            a,
                                            b,
                                            c,
                                            Packing.of(offsets),
                                            AttentionRule.plain(0.5));
                            Oracle.assertClose("value", out.value(), expected, EXACT);
                            return new Var[] {a, b, c, out};
                        },
                        direction);
        Oracle.assertClose(
                "dq",
                gradients[0],
                Oracle.autograd(q, x -> plainAttention(x, k, v, offsets), direction),
                EXACT);
        Oracle.assertClose(
                "dk",
                gradients[1],
                Oracle.autograd(k, x -> plainAttention(q, x, v, offsets), direction),
                EXACT);
        Oracle.assertClose(
                "dv",
                gradients[2],
                Oracle.autograd(v, x -> plainAttention(q, k, x, offsets), direction),
                EXACT);
    }

    @Test
    void attentionGradientEqualsDifferences() {
        int[] offsets = {0, 3, 7};
        Tensor q = Oracle.random(1, 2, 7, 2);
        Tensor k = Oracle.random(2, 1, 7, 2);
        Tensor v = Oracle.random(3, 7, 2);
        check(
                q,
                (tape, x) ->
                        Attention.forward(
                                tape,
                                x,
                                tape.var(k, true),
                                tape.var(v, true),
                                Packing.of(offsets),
                                AttentionRule.plain(0.5)),
                x -> plainAttention(x, k, v, offsets));
    }

    private static Tensor plainAttention(Tensor q, Tensor k, Tensor v, int[] offsets) {
        long heads = q.size(0);
        long keyHeads = k.size(0);
        long width = q.size(2);
        Tensor values = v.view(v.size(0), keyHeads, width).transpose(0, 1);
        Tensor[] sequences = new Tensor[offsets.length - 1];
        for (int s = 0; s < sequences.length; s++) {
            long start = offsets[s];
            long length = offsets[s + 1] - start;
            Tensor[] parts = new Tensor[(int) heads];
            for (int h = 0; h < heads; h++) {
                long kh = h / (heads / keyHeads);
                Tensor rows = q.select(0, h).narrow(0, start, length);
                Tensor scores = rows.matmul(k.select(0, kh).narrow(0, start, length).t()).mul(0.5);
                Tensor hidden = Tensor.full(DType.F64, 1, length, length).triu(1).gt(0);
                Tensor p = scores.maskedFill(hidden, Double.NEGATIVE_INFINITY).softmax(1);
                parts[h] = p.matmul(values.select(0, kh).narrow(0, start, length));
            }
            sequences[s] = Tensor.cat(1, parts);
        }
        return Tensor.cat(0, sequences);
    }

    @Test
    void lmHeadLoss() {
        Tensor w = Oracle.random(1, 11, 5);
        var head = new Linear("lm_head", new FrozenWeight.Dense(w, DType.F64), null);
        var part = new LowRank(Oracle.parameter(3, 2, 5), Oracle.parameter(4, 11, 2), 0.7, 0);
        head.attach(part);
        Tensor x = Oracle.random(5, 6, 5);
        int[] labels = {3, -1, 0, 10, -1, 7};
        Tensor[] dx = new Tensor[1];
        double loss;
        try (var tape = Tape.recording(workspace, 0)) {
            Var hidden = tape.var(x, true);
            loss = Losses.of(tape, hidden, head, labels, 0.25);
            dx[0] = hidden.takeGradient();
        }
        Tensor a = part.a().value();
        Tensor b = part.b().value();
        assertThat(loss * 0.25).isCloseTo(plainLoss(x, w, a, b, labels).item(), within(1e-12));
        Tensor one = Tensor.full(DType.F64, 1);
        Oracle.assertClose(
                "dx", dx[0], Oracle.autograd(x, v -> plainLoss(v, w, a, b, labels), one), EXACT);
        Oracle.assertClose(
                "dA",
                part.a().gradient(),
                Oracle.autograd(a, v -> plainLoss(x, w, v, b, labels), one),
                EXACT);
        Oracle.assertClose(
                "dB",
                part.b().gradient(),
                Oracle.autograd(b, v -> plainLoss(x, w, a, v, labels), one),
                EXACT);
    }

    private static Tensor plainLoss(Tensor x, Tensor w, Tensor a, Tensor b, int[] labels) {
        Tensor logits = x.matmul(w.t()).add(x.matmul(a.t()).matmul(b.t()).mul(0.7));
        Tensor sum = Tensor.zeros(DType.F64, 1).sum();
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] >= 0) {
                Tensor row = logits.select(0, i);
                sum = sum.add(row.logSumExp(0, false)).sub(row.select(0, labels[i]));
            }
        }
        return sum.mul(0.25);
    }

    @Test
    void trainedHeadAndEmbedding() {
        var table = Oracle.parameter(1, 11, 5);
        var weight = new TrainedWeight(table);
        var embedding = new Embedding("embed", weight);
        var head = new Linear("lm_head", weight, null);
        int[] labels = {3, -1, 0};
        int[] ids = {4, 4, 9};
        try (var tape = Tape.recording(workspace, 0)) {
            Var x = embedding.forward(tape, Tensor.of(ids), DType.F64);
            Losses.of(tape, x, head, labels, 0.25);
            tape.backward();
        }
        Tensor index = Tensor.of(ids);
        Tensor zero = Tensor.zeros(DType.F64, 2, 5);
        Tensor zeroB = Tensor.zeros(DType.F64, 11, 2);
        Tensor expected =
                Oracle.autograd(
                        table.value(),
                        t -> plainLoss(t.indexSelect(0, index), t, zero, zeroB, labels),
                        Tensor.full(DType.F64, 1));
        Oracle.assertClose("tied table", table.gradient(), expected, EXACT);
    }

    @Test
    void chunksOfTheLossAreWholeTilesOfACard() {
        assertThat(LmHeadLoss.chunkRows(128_256, 2, true)).isEqualTo(3 * 128);
        assertThat(LmHeadLoss.chunkRows(128_256, 2, false)).isEqualTo(196);
        assertThat(LmHeadLoss.chunkRows(1_000_000, 2, true)).isEqualTo(50);
        assertThat(LmHeadLoss.chunkRows(10_000_000, 2, true)).isEqualTo(16);
    }

    @Test
    void chunksOfTheLossSumToTheWhole() {
        long vocabulary = 40_000; // rows of a chunk: 64 MiB / 320 kB = 209
        var head =
                new Linear(
                        "lm_head",
                        new FrozenWeight.Dense(Oracle.random(1, vocabulary, 3), DType.F64),
                        null);
        Tensor x = Oracle.random(2, 230, 3);
        int[] labels = new int[230];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = i * 17 % 40_000;
        }
        try (var tape = Tape.recording(workspace, 0)) {
            Var hidden = tape.var(x, true);
            double loss = Losses.of(tape, hidden, head, labels, 1);
            double sum = 0;
            for (int i = 0; i < labels.length; i++) {
                int[] one = new int[230];
                Arrays.fill(one, -1);
                one[i] = labels[i];
                try (var _ = Scope.open();
                        var single = Tape.inference(workspace)) {
                    sum += Losses.of(single, single.var(x, false), head, one, 1);
                }
            }
            assertThat(loss).isCloseTo(sum, within(1e-6));
            assertThat(hidden.takeGradient().allFinite()).isTrue();
        }
    }

    @Test
    void panelsOfAStoredTypeEqualTheWholeMatrix() {
        Tensor w = Oracle.random(1, 3000, 700).to(DType.BF16);
        Tensor x = Oracle.random(2, 4, 700);
        Tensor dy = Oracle.random(3, 4, 3000);
        Tensor y = Tensor.empty(DType.F32, 4, 3000);
        Tensor dx = Tensor.full(DType.F32, 1, 4, 700);
        var weight = new FrozenWeight.Dense(w, DType.F32);
        weight.product(x.to(DType.F32), y, workspace);
        weight.productTransposed(dy.to(DType.F32), dx, true, workspace);
        Tensor wide = w.to(DType.F64);
        Oracle.assertClose("y", y, x.matmul(wide.t()), 1e-5);
        Oracle.assertClose("dx", dx, dy.matmul(wide).add(1), 1e-5);
    }
}
