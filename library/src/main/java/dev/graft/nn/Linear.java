package dev.graft.nn;

import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// y = x · Wᵀ + b + s · (drop(x) · Aᵀ) · Bᵀ.
///
/// With g = dy: dB += s · gᵀ · (drop(x)·Aᵀ), u = s · g · B, dA += uᵀ · drop(x),
/// dx = g · W + drop(u · A); dW += gᵀ · x and db += Σ g where they are trained. For a frozen W the
/// pass keeps x (which the maps that share it share) and drop(x)·Aᵀ, r wide.
public final class Linear {
    private final String name;
    private Weight weight;
    private Tensor bias;
    private Parameter trainedBias;
    private LowRank lowRank;

    /// @param name path of the module in the Hugging Face model
    /// @param bias one number an output, or null
    public Linear(String name, Weight weight, Tensor bias) {
        this.name = name;
        this.weight = weight;
        this.bias = bias;
    }

    public String name() {
        return name;
    }

    public Weight weight() {
        return weight;
    }

    /// The bias as it is now, or null.
    public Tensor bias() {
        return trainedBias == null ? bias : trainedBias.value();
    }

    /// The low-rank part, or null.
    public LowRank lowRank() {
        return lowRank;
    }

    public void attach(LowRank part) {
        this.lowRank = part;
    }

    public void detach() {
        this.lowRank = null;
    }

    public void setWeight(Weight replacement) {
        this.weight = replacement;
    }

    public void trainBias(Parameter parameter) {
        this.trainedBias = parameter;
    }

    /// The bias where it is trained, or null.
    Parameter trainedBias() {
        return trainedBias;
    }

    /// Every trained tensor of this map.
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>();
        if (weight instanceof TrainedWeight trained) {
            all.add(trained.parameter());
        }
        if (trainedBias != null) {
            all.add(trainedBias);
        }
        if (lowRank != null) {
            all.add(lowRank.a());
            all.add(lowRank.b());
        }
        return all;
    }

    private boolean trained() {
        return lowRank != null || trainedBias != null || weight instanceof TrainedWeight;
    }

    /// Applies the map and records its backward step.
    ///
    /// @param x [T, in]
    /// @return [T, out]
    public Var forward(Tape tape, Var x) {
        Tensor input = x.value();
        Tensor y = Tensor.empty(input.dtype(), input.size(0), weight.out());
        Saved saved;
        try (var scope = Scope.open(name)) {
            weight.product(input, y, tape.workspace());
            if (bias() != null) {
                y.addInPlace(bias());
            }
            saved = lowRank == null ? null : addLowRank(tape, input, y, scope);
        }
        Var out = tape.var(y, x.needsGradient() || trained());
        tape.onBackward(out, () -> backward(tape, x, out.takeGradient(), saved));
        return out;
    }

    /// What the low-rank part keeps: drop(x)·Aᵀ [T, r], and the seed of its mask.
    private record Saved(Tensor reduced, long dropoutSeed) {}

    private Saved addLowRank(Tape tape, Tensor x, Tensor y, Scope scope) {
        boolean drops = tape.isRecording() && lowRank.dropout() > 0;
        long seed = drops ? tape.nextDropoutSeed() : 0;
        Tensor dropped = drops ? Dropout.apply(x, lowRank.dropout(), seed) : x;
        Tensor reduced = dropped.matmul(lowRank.a().value().t()); // [T, r]
        y.addmmInPlace(reduced, lowRank.b().value().t(), 1, lowRank.scale());
        return tape.isRecording() ? new Saved(scope.keep(reduced), seed) : null;
    }

    private void backward(Tape tape, Var x, Tensor dy, Saved saved) {
        if (weight instanceof TrainedWeight trained) {
            trained.addGradient(dy, x.value());
        }
        if (trainedBias != null) {
            trainedBias.gradient().addInPlace(dy.sum(0, false));
        }
        if (x.needsGradient()) {
            boolean add = x.hasGradient();
            weight.productTransposed(dy, x.gradientMemory(), add, tape.workspace());
        }
        if (lowRank != null) {
            backwardLowRank(x, dy, saved);
        }
    }

    private void backwardLowRank(Var x, Tensor dy, Saved saved) {
        double p = lowRank.dropout();
        Tensor dropped = p > 0 ? Dropout.apply(x.value(), p, saved.dropoutSeed()) : x.value();
        Tensor u = dy.matmul(lowRank.b().value()).mulInPlace(lowRank.scale()); // [T, r]
        lowRank.b().gradient().addmmInPlace(dy.t(), saved.reduced(), 1, lowRank.scale());
        lowRank.a().gradient().addmmInPlace(u.t(), dropped, 1, 1);
        if (!x.needsGradient()) {
            return;
        }
        if (p > 0) {
            Tensor dx = u.matmul(lowRank.a().value()); // [T, in]
            x.gradientMemory().addInPlace(Dropout.apply(dx, p, saved.dropoutSeed()));
        } else {
            x.gradientMemory().addmmInPlace(u, lowRank.a().value(), 1, 1);
        }
    }
}
