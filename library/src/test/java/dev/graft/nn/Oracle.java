package dev.graft.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.tensor.Autograd;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.Random;
import java.util.function.Function;

/// Checks hand-written gradients two ways in float64: against libtorch's autograd of a plain
/// formula, and against central differences of the operation itself.
final class Oracle {
    /// How far a gradient may be from autograd's.
    static final double EXACT = 1e-10;

    private static final double DIFFERENCES = 1e-6;
    private static final double STEP = 1e-6;

    /// An operation of one input.
    interface Operation {
        Var apply(Tape tape, Var x);
    }

    private Oracle() {}

    static Tensor random(long seed, long... shape) {
        var random = new Random(seed);
        long count = 1;
        for (long d : shape) {
            count *= d;
        }
        double[] values = new double[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextGaussian();
        }
        return Tensor.of(values, shape);
    }

    static Parameter parameter(long seed, long... shape) {
        return new Parameter("p" + seed, random(seed, shape));
    }

    /// Checks the gradient of an operation, and that its value is the formula's.
    static void check(
            Workspace workspace, Tensor x, Operation operation, Function<Tensor, Tensor> plain) {
        Function<Tensor, Tensor> run =
                value -> {
                    try (var tape = Tape.inference(workspace)) {
                        return operation.apply(tape, tape.var(value.copy(), false)).value();
                    }
                };
        Tensor expected = plain.apply(x);
        assertClose("value", run.apply(x), expected, EXACT);
        Tensor direction = random(99, expected.shape());
        Tensor[] gradient =
                gradients(
                        workspace,
                        tape -> {
                            Var in = tape.var(x.copy(), true);
                            return new Var[] {in, operation.apply(tape, in)};
                        },
                        direction);
        assertClose("autograd", gradient[0], autograd(x, plain, direction), EXACT);
        assertClose("differences", gradient[0], differences(x, run, direction), DIFFERENCES);
    }

    /// The gradients of Σ output ⊙ direction by the inputs, from the tape.
    static Tensor[] gradients(
            Workspace workspace, Function<Tape, Var[]> inputsThenOutput, Tensor direction) {
        try (var tape = Tape.recording(workspace, 7)) {
            Var[] vars = inputsThenOutput.apply(tape);
            Var output = vars[vars.length - 1];
            output.giveGradient(direction.copy());
            tape.backward();
            Tensor[] gradients = new Tensor[vars.length - 1];
            for (int i = 0; i < gradients.length; i++) {
                gradients[i] = vars[i].takeGradient();
            }
            return gradients;
        }
    }

    /// The gradient of Σ formula(leaf) ⊙ direction by a leaf, from autograd.
    static Tensor autograd(Tensor value, Function<Tensor, Tensor> formula, Tensor direction) {
        Tensor leaf = Autograd.leaf(value.copy());
        Autograd.backward(formula.apply(leaf).mul(direction).sum());
        return Autograd.gradient(leaf);
    }

    /// The same by central differences, entry by entry.
    static Tensor differences(Tensor value, Function<Tensor, Tensor> formula, Tensor direction) {
        double[] at = value.toDoubles();
        double[] slopes = new double[at.length];
        for (int i = 0; i < at.length; i++) {
            double[] shifted = at.clone();
            try (var _ = Scope.open()) {
                shifted[i] = at[i] + STEP;
                double up =
                        formula.apply(Tensor.of(shifted, value.shape()))
                                .mul(direction)
                                .sum()
                                .item();
                shifted[i] = at[i] - STEP;
                double down =
                        formula.apply(Tensor.of(shifted, value.shape()))
                                .mul(direction)
                                .sum()
                                .item();
                slopes[i] = (up - down) / (2 * STEP);
            }
        }
        return Tensor.of(slopes, value.shape());
    }

    static void assertClose(String what, Tensor actual, Tensor expected, double tolerance) {
        try (var _ = Scope.open()) {
            double scale = Math.max(1, expected.abs().max().item());
            double difference = actual.to(DType.F64).sub(expected.to(DType.F64)).abs().max().item();
            assertThat(difference / scale).as(what).isLessThan(tolerance);
        }
    }
}
