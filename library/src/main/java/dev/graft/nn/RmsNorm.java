package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.profile.Profile;
import dev.graft.tensor.Tensor;

/// y = x / √(mean(x²) + ε) ⊙ (w + offset) for each row, or for each part of a row that is
/// as wide as w, as the heads of a query are; keeps x and one number a part, from which y
/// is made again where a later operation needs it.
public final class RmsNorm {
    private final String name;
    private final double epsilon;
    private final double offset;
    private Tensor weight;
    private Parameter trained;

    /// @param weight [H], the width of what is normed
    /// @param offset 0, or 1 where the weights are stored less one, as in Gemma
    public RmsNorm(String name, Tensor weight, double epsilon, double offset) {
        this.name = name;
        this.weight = weight;
        this.epsilon = epsilon;
        this.offset = offset;
    }

    public RmsNorm(String name, Tensor weight, double epsilon) {
        this(name, weight, epsilon, 0);
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
    /// @param x [T, n·H]
    /// @return [T, n·H]
    public Var forward(Tape tape, Var x) {
        Tensor input = x.value();
        long width = weight().numel();
        Tensor inverseRms = Tensor.empty(input.dtype().sums(), input.numel() / width);
        Var out =
                tape.cheapVar(
                        input.dtype(),
                        input.shape(),
                        () -> norm(x.value(), inverseRms),
                        x.needsGradient() || trained != null);
        tape.keep(out, x);
        tape.keep(out, inverseRms);
        tape.onBackward(out, () -> backward(x, inverseRms, out.takeGradient()));
        return out;
    }

    private Tensor norm(Tensor x, Tensor inverseRms) {
        long width = weight().numel();
        Tensor y = Tensor.empty(x.dtype(), x.shape());
        try (var _ = Profile.operation("norm")) {
            Kernels.of(x)
                    .rmsNorm(
                            x.view(-1, width),
                            weight(),
                            offset,
                            epsilon,
                            y.view(-1, width),
                            inverseRms);
        }
        return y;
    }

    private void backward(Var x, Tensor inverseRms, Tensor dy) {
        long width = weight().numel();
        Tensor dx = x.needsGradient() ? x.gradientSoFar() : Tensor.zeros(dy.dtype(), dy.shape());
        Tensor dw = trained == null ? null : trained.gradient();
        try (var _ = Profile.operation("norm backward")) {
            Kernels.of(dy)
                    .rmsNormBackward(
                            dy.view(-1, width),
                            x.value().view(-1, width),
                            weight(),
                            offset,
                            inverseRms,
                            dx.view(-1, width),
                            dw);
        }
    }
}
