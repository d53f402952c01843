package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.tensor.Tensor;

/// y = x / √(mean(x²) + ε) ⊙ w for each row; keeps x and one number a row, from which y is made
/// again where a later operation needs it.
public final class RmsNorm {
    private final String name;
    private final double epsilon;
    private Tensor weight;
    private Parameter trained;

    /// @param weight [H]
    public RmsNorm(String name, Tensor weight, double epsilon) {
        this.name = name;
        this.weight = weight;
        this.epsilon = epsilon;
    }

    public String name() {
        return name;
    }

    public Tensor weight() {
        return trained == null ? weight : trained.value();
    }

    /// The trained weight, or null.
    public Parameter parameter() {
        return trained;
    }

    public void freeze(Tensor frozen) {
        this.trained = null;
        this.weight = frozen;
    }

    public void train(Parameter parameter) {
        this.trained = parameter;
        this.weight = parameter.value();
    }

    /// Applies the operation and records its backward step.
    ///
    /// @param x [T, H]
    /// @return [T, H]
    public Var forward(Tape tape, Var x) {
        Tensor input = x.value();
        Tensor inverseRms = Tensor.empty(input.dtype(), input.size(0));
        Kernels kernels = Kernels.of(input);
        Var out =
                tape.cheapVar(
                        input.dtype(),
                        input.shape(),
                        () -> {
                            Tensor y = Tensor.empty(input.dtype(), input.shape());
                            kernels.rmsNorm(x.value(), weight(), epsilon, y, inverseRms);
                            return y;
                        },
                        x.needsGradient() || trained != null);
        tape.keep(out, x);
        tape.keep(out, inverseRms);
        tape.onBackward(out, () -> backward(kernels, x, inverseRms, out.takeGradient()));
        return out;
    }

    private void backward(Kernels kernels, Var x, Tensor inverseRms, Tensor dy) {
        Tensor dx = x.needsGradient() ? x.gradientSoFar() : Tensor.zeros(dy.dtype(), dy.shape());
        Tensor dw = trained == null ? null : trained.gradient();
        kernels.rmsNormBackward(dy, x.value(), weight(), inverseRms, dx, dw);
    }
}
