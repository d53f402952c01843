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
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// The operations that some families add to those of Llama, against autograd and finite differences
/// in float64.
class FamilyGradientTest {
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

    private static Tensor plainNorm(Tensor x, Tensor w, double offset) {
        Tensor s = x.mul(x).mean(1, true).add(1e-5).rsqrt();
        return x.mul(s).mul(w.add(offset));
    }

    @Test
    void normWhoseWeightsAreStoredLessOne() {
        Tensor w = Oracle.random(2, 7);
        var norm = new RmsNorm("norm", w, 1e-5, 1);
        check(Oracle.random(1, 5, 7), norm::forward, x -> plainNorm(x, w, 1));
        var trained = Oracle.parameter(3, 7);
        norm.train(trained);
        Tensor x = Oracle.random(1, 5, 7);
        Tensor direction = Oracle.random(4, 5, 7);
        Oracle.gradients(
                workspace, tape -> new Var[] {norm.forward(tape, tape.var(x, false))}, direction);
        Tensor dw = Oracle.autograd(trained.value(), v -> plainNorm(x, v, 1), direction);
        Oracle.assertClose("dw", trained.gradient(), dw, EXACT);
    }

    @Test
    void normOfEachHead() {
        Tensor w = Oracle.random(2, 4);
        var norm = new RmsNorm("q_norm", w, 1e-5);
        check(
                Oracle.random(1, 5, 12),
                norm::forward,
                x -> plainNorm(x.view(15, 4), w, 0).view(5, 12));
    }

    /// Rotated queries that are made again from what their norm keeps.
    @Test
    void rotationBehindANorm() {
        Tensor w = Oracle.random(2, 6);
        var norm = new RmsNorm("q_norm", w, 1e-5);
        Angles angles = angles();
        check(
                Oracle.random(1, 5, 12),
                (tape, x) -> Rope.forward(tape, norm.forward(tape, x), angles, 6),
                x -> plainRope(plainNorm(x.view(10, 6), w, 0).view(5, 12), angles, 6));
    }

    @Test
    void partialRotation() {
        Angles angles = angles();
        check(
                Oracle.random(1, 5, 20),
                (tape, x) -> Rope.forward(tape, x, angles, 10),
                x -> plainRope(x, angles, 10));
    }

    /// The result lies in halves, so that only products of queries and keys are those of pairs.
    @Test
    void rotationOfNeighbours() {
        var table = new RopeTable(_ -> new float[] {1f, 0.25f, 0.125f}, 1.3, true);
        Angles angles = table.at(new int[] {0, 1, 2, 0, 1}, DType.F64);
        check(
                Oracle.random(1, 5, 20),
                (tape, x) -> Rope.forward(tape, x, angles, 10),
                x -> {
                    Tensor heads = x.view(5, 2, 10);
                    Tensor pairs = heads.narrow(2, 0, 6).view(5, 2, 3, 2);
                    Tensor a = pairs.select(3, 0);
                    Tensor b = pairs.select(3, 1);
                    Tensor halves = Tensor.cat(2, a, b, heads.narrow(2, 6, 4)).view(5, 20);
                    return plainRope(halves, angles, 10);
                });
    }

    @Test
    void headsWithoutPositions() {
        check(
                Oracle.random(1, 5, 20),
                (tape, x) -> Rope.forward(tape, x, null, 10),
                x -> x.view(5, 2, 10).transpose(0, 1));
    }

    @Test
    void partsOfAFusedProjection() {
        Angles angles = angles();
        check(
                Oracle.random(1, 5, 24),
                (tape, x) -> {
                    Var q = Rope.part(tape, x, 0, 2, angles, 6);
                    Var k = Rope.part(tape, x, 12, 1, angles, 6);
                    Var v = Columns.forward(tape, x, 18, 6);
                    return Attention.forward(
                            tape, q, k, v, Packing.of(0, 5), AttentionRule.plain(0.4));
                },
                x ->
                        plainAttention(
                                plainRope(x.narrow(1, 0, 12), angles, 6),
                                plainRope(x.narrow(1, 12, 6), angles, 6),
                                x.narrow(1, 18, 6),
                                new int[] {0, 5},
                                AttentionRule.plain(0.4)));
    }

    private static Angles angles() {
        var table = new RopeTable(new float[] {1f, 0.25f, 0.125f}, 1.3);
        return table.at(new int[] {0, 1, 2, 0, 1}, DType.F64);
    }

    private static Tensor plainRope(Tensor x, Angles angles, long width) {
        long heads = x.size(1) / width;
        Tensor all = x.view(x.size(0), heads, width).transpose(0, 1);
        long half = angles.cos().size(1);
        Tensor a = all.narrow(2, 0, half);
        Tensor b = all.narrow(2, half, half);
        Tensor c = angles.cos();
        Tensor s = angles.sin();
        Tensor rest = all.narrow(2, 2 * half, width - 2 * half);
        return Tensor.cat(2, a.mul(c).sub(b.mul(s)), b.mul(c).add(a.mul(s)), rest);
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void gatedProducts(Activation activation) {
        Tensor up = Oracle.random(2, 4, 5);
        check(
                Oracle.random(1, 4, 5),
                (tape, x) -> GatedMlp.glu(tape, activation, x, tape.var(up.copy(), true)),
                x -> plain(activation, x).mul(up));
        check(
                Oracle.random(3, 4, 10),
                (tape, x) -> GatedMlp.glu(tape, activation, x),
                x -> plain(activation, x.narrow(1, 0, 5)).mul(x.narrow(1, 5, 5)));
    }

    private static Tensor plain(Activation activation, Tensor g) {
        return switch (activation) {
            case SILU -> g.mul(g.sigmoid());
            case GELU_TANH ->
                    g.mul(g)
                            .mul(g)
                            .mul(0.044715)
                            .add(g)
                            .mul(Math.sqrt(2 / Math.PI))
                            .tanh()
                            .add(1)
                            .mul(g)
                            .mul(0.5);
            case GELU -> g.mul(Math.sqrt(0.5)).erf().add(1).mul(g).mul(0.5);
        };
    }

    @Test
    void scaledResidual() {
        Tensor w = Oracle.random(2, 5, 5);
        var linear = new Linear("linear", new FrozenWeight.Dense(w, DType.F64), null);
        check(
                Oracle.random(1, 4, 5),
                (tape, x) -> Residual.forward(tape, x, linear.forward(tape, x), 0.3),
                x -> x.add(x.matmul(w.t()).mul(0.3)));
    }

    @Test
    void scaledEmbedding() {
        var table = Oracle.parameter(1, 7, 3);
        var embedding = new Embedding("embed", new TrainedWeight(table), 2.5);
        Tensor ids = Tensor.of(new int[] {4, 4, 0});
        Tensor direction = Oracle.random(2, 3, 3);
        Oracle.gradients(
                workspace, tape -> new Var[] {embedding.forward(tape, ids, DType.F64)}, direction);
        Tensor expected =
                Oracle.autograd(table.value(), t -> t.indexSelect(0, ids).mul(2.5), direction);
        Oracle.assertClose("dTable", table.gradient(), expected, EXACT);
    }

    // ---- attention ----

    /// Windows narrower and wider than a block of rows; the second sequence is longer than a block.
    @ParameterizedTest
    @CsvSource({
        "2, 2, 5, 9, 0, 4",
        "4, 2, 3, 70, 1.5, 0",
        "3, 1, 1, 130, 0, 5",
        "3, 1, 1, 130, 2, 70",
        "4, 4, 64, 200, 0.8, 64",
        "2, 1, 64, 65, 0, 1",
        "4, 2, 7, 140, 3, 1000"
    })
    void attentionWithAWindowAndACap(
            int heads, int keyHeads, int first, int second, double cap, long window) {
        int width = 4;
        int[] offsets = {0, first, first + second};
        int tokens = first + second;
        var rule = new AttentionRule(0.7, cap, window);
        Tensor q = Oracle.random(1, heads, tokens, width);
        Tensor k = Oracle.random(2, keyHeads, tokens, width);
        Tensor v = Oracle.random(3, tokens, (long) keyHeads * width);
        Tensor direction = Oracle.random(4, tokens, (long) heads * width);
        Tensor expected = plainAttention(q, k, v, offsets, rule);
        Tensor[] gradients =
                Oracle.gradients(
                        workspace,
                        tape -> {
                            Var a = tape.var(q, true);
                            Var b = tape.var(k, true);
                            Var c = tape.var(v, true);
                            Var out = Attention.forward(tape, a, b, c, Packing.of(offsets), rule);
                            Oracle.assertClose("value", out.value(), expected, EXACT);
                            return new Var[] {a, b, c, out};
                        },
                        direction);
        Tensor dq = Oracle.autograd(q, x -> plainAttention(x, k, v, offsets, rule), direction);
        Tensor dk = Oracle.autograd(k, x -> plainAttention(q, x, v, offsets, rule), direction);
        Tensor dv = Oracle.autograd(v, x -> plainAttention(q, k, x, offsets, rule), direction);
        Oracle.assertClose("dq", gradients[0], dq, EXACT);
        Oracle.assertClose("dk", gradients[1], dk, EXACT);
        Oracle.assertClose("dv", gradients[2], dv, EXACT);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0, 3", "1.5, 70", "2, 0"})
    void cachedAttentionEqualsTheWhole(double cap, long window) {
        int tokens = 90;
        var rule = new AttentionRule(0.7, cap, window);
        Tensor q = Oracle.random(1, 4, tokens, 4);
        Tensor k = Oracle.random(2, 2, tokens, 4);
        Tensor v = Oracle.random(3, tokens, 8);
        Tensor whole = plainAttention(q, k, v, new int[] {0, tokens}, rule);
        for (int rows : new int[] {1, 7, 80}) {
            try (var _ = Scope.open();
                    var tape = Tape.inference(workspace)) {
                Tensor last = q.narrow(1, tokens - rows, rows).copy();
                Tensor found = Attention.cached(tape, last, k, v, rule);
                Oracle.assertClose(
                        rows + " rows", found, whole.narrow(0, tokens - rows, rows), EXACT);
            }
        }
    }

    private static Tensor plainAttention(
            Tensor q, Tensor k, Tensor v, int[] offsets, AttentionRule rule) {
        long heads = q.size(0);
        long keyHeads = k.size(0);
        Tensor values = v.view(v.size(0), keyHeads, -1).transpose(0, 1);
        Tensor[] sequences = new Tensor[offsets.length - 1];
        for (int s = 0; s < sequences.length; s++) {
            long start = offsets[s];
            long length = offsets[s + 1] - start;
            Tensor ones = Tensor.full(DType.F64, 1, length, length);
            Tensor hidden = ones.triu(1);
            if (rule.window() > 0) {
                hidden = hidden.add(ones.sub(ones.triu(1 - rule.window())));
            }
            Tensor[] parts = new Tensor[(int) heads];
            for (int h = 0; h < heads; h++) {
                long kh = h / (heads / keyHeads);
                Tensor rows = q.select(0, h).narrow(0, start, length);
                Tensor scores = rows.matmul(k.select(0, kh).narrow(0, start, length).t());
                scores = scores.mul(rule.scale());
                if (rule.softCap() > 0) {
                    scores = scores.mul(1 / rule.softCap()).tanh().mul(rule.softCap());
                }
                Tensor p = scores.maskedFill(hidden.gt(0), Double.NEGATIVE_INFINITY).softmax(1);
                parts[h] = p.matmul(values.select(0, kh).narrow(0, start, length));
            }
            sequences[s] = Tensor.cat(1, parts);
        }
        return Tensor.cat(0, sequences);
    }

    // ---- the loss ----

    @ParameterizedTest
    @CsvSource({"1, 2.5", "0.25, 0", "0.5, 1.5"})
    void lossOfLogitsThatAreScaledAndCapped(double scale, double cap) {
        Tensor w = Oracle.random(1, 11, 5);
        var head = new Linear("lm_head", new FrozenWeight.Dense(w, DType.F64), null);
        var map = new LogitMap(scale, cap);
        int[] labels = {3, -1, 0, 10};
        Function<Tensor, Tensor> plain =
                x -> {
                    Tensor z = x.matmul(w.t()).mul(scale);
                    z = cap > 0 ? z.mul(1 / cap).tanh().mul(cap) : z;
                    Tensor sum = Tensor.zeros(DType.F64, 1).sum();
                    for (int i = 0; i < labels.length; i++) {
                        if (labels[i] >= 0) {
                            Tensor row = z.select(0, i);
                            Tensor loss = row.logSumExp(0, false).sub(row.select(0, labels[i]));
                            sum = sum.add(loss);
                        }
                    }
                    return sum;
                };
        Tensor x = Oracle.random(5, 4, 5);
        try (var tape = Tape.recording(workspace, 0)) {
            Var hidden = tape.var(x, true);
            double loss = Losses.of(tape, hidden, head, map, labels, 1);
            assertThat(loss).isCloseTo(plain.apply(x).item(), within(1e-12));
            Tensor one = Tensor.full(DType.F64, 1);
            Oracle.assertClose("dx", hidden.takeGradient(), Oracle.autograd(x, plain, one), EXACT);
        }
    }
}
