package dev.graft.nn;

import dev.graft.kernel.Activation;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Mixtures of experts against autograd and finite differences in float64.
class SparseMlpTest {
    private static final int EXPERTS = 5;
    private static final int TOKENS = 9;

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

    private static Linear linear(String name, int seed, int out, int in) {
        var linear =
                new Linear(
                        name,
                        new FrozenWeight.Dense(Oracle.random(seed, out, in), DType.F64),
                        null);
        linear.attach(
                new LowRank(
                        Oracle.parameter(seed + 1, 2, in),
                        Oracle.parameter(seed + 2, out, 2),
                        0.3,
                        0));
        return linear;
    }

    private static SparseMlp experts(boolean normalized) {
        List<GatedMlp> experts = new ArrayList<>();
        for (int e = 0; e < EXPERTS; e++) {
            List<Linear> gateUp =
                    List.of(linear("gate", 100 + 20 * e, 3, 4), linear("up", 105 + 20 * e, 3, 4));
            experts.add(new GatedMlp(Activation.SILU, gateUp, linear("down", 110 + 20 * e, 4, 3)));
        }
        return new SparseMlp(linear("router", 10, EXPERTS, 4), experts, 2, normalized);
    }

    /// As a sum over all experts, those that a token does not go to with weight 0.
    private static Tensor plainExperts(SparseMlp mlp, Tensor x) {
        Tensor logits = plainLinear(mlp.router(), x);
        Tensor p = logits.softmax(1);
        double[] values = p.toDoubles();
        double[] mask = new double[values.length];
        for (int t = 0; t < TOKENS; t++) {
            for (int chosen = 0; chosen < 2; chosen++) {
                int best = -1;
                for (int e = t * EXPERTS; e < (t + 1) * EXPERTS; e++) {
                    if (mask[e] == 0 && (best < 0 || values[e] > values[best])) {
                        best = e;
                    }
                }
                mask[best] = 1;
            }
        }
        Tensor weights = p.mul(Tensor.of(mask, TOKENS, EXPERTS));
        if (mlp.normalized()) {
            weights = weights.div(weights.sum(1, true));
        }
        Tensor y = Tensor.zeros(DType.F64, TOKENS, 4);
        for (int e = 0; e < EXPERTS; e++) {
            GatedMlp expert = mlp.experts().get(e);
            Tensor g = plainLinear(expert.gateUp().getFirst(), x);
            Tensor u = plainLinear(expert.gateUp().getLast(), x);
            Tensor out = plainLinear(expert.down(), g.mul(g.sigmoid()).mul(u));
            y = y.add(out.mul(weights.narrow(1, e, 1)));
        }
        return y;
    }

    private static Tensor plainLinear(Linear linear, Tensor x) {
        Tensor w = ((FrozenWeight.Dense) linear.weight()).stored();
        LowRank part = linear.lowRank();
        Tensor narrow = x.matmul(part.a().value().t()).matmul(part.b().value().t());
        return x.matmul(w.t()).add(narrow.mul(part.scale()));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void mixturesOfExperts(boolean normalized) {
        SparseMlp mlp = experts(normalized);
        Tensor x = Oracle.random(5, TOKENS, 4);
        Oracle.check(workspace, x, mlp::forward, v -> plainExperts(mlp, v));
        mlp.linears().forEach(l -> l.parameters().forEach(p -> p.gradient().zeroInPlace()));
        Tensor direction = Oracle.random(98, TOKENS, 4);
        Oracle.gradients(
                workspace,
                tape -> new Var[] {mlp.forward(tape, tape.var(x.copy(), false))},
                direction);
        for (Linear linear : mlp.linears()) {
            LowRank part = linear.lowRank();
            for (Parameter p : linear.parameters()) {
                boolean isA = p == part.a();
                Function<Tensor, Tensor> plain =
                        v -> {
                            var other =
                                    new LowRank(
                                            isA ? new Parameter("a", v) : part.a(),
                                            isA ? part.b() : new Parameter("b", v),
                                            part.scale(),
                                            0);
                            linear.attach(other);
                            Tensor y = plainExperts(mlp, x);
                            linear.attach(part);
                            return y;
                        };
                Tensor expected = autograd(p.value(), plain, direction);
                Oracle.assertClose(linear.name(), p.gradient(), expected, Oracle.EXACT);
            }
        }
    }

    /// Zeros where no token went to the expert.
    private static Tensor autograd(
            Tensor value, Function<Tensor, Tensor> formula, Tensor direction) {
        return Oracle.autograd(value, v -> formula.apply(v).add(v.sum().mul(0)), direction);
    }
}
