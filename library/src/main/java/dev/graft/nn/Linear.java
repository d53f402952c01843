package dev.graft.nn;

import dev.graft.profile.Profile;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// y = x · Wᵀ + b + s · (drop(x) · Aᵀ) · Bᵀ.
///
/// With g = dy: dB += s · gᵀ · (drop(x)·Aᵀ), u = s · g · B, dA += uᵀ · drop(x),
/// dx = g · W + drop(u · A); dW += gᵀ · x and db += Σ g where they are trained. The pass keeps
/// drop(x)·Aᵀ, r wide, and x (which the maps that share it share) for dA and dW; a frozen W alone
/// keeps nothing.
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

    /// Whether anything of this map is trained.
    boolean isTrained() {
        return lowRank != null || trainedBias != null || weight instanceof TrainedWeight;
    }

    /// Applies the map and records its backward step.
    ///
    /// @param x [T, in]
    /// @return [T, out]
    public Var forward(Tape tape, Var x) {
        DType dtype = x.dtype();
        long[] shape = {x.shape()[0], weight.out()};
        Reduced reduced = lowRank == null ? null : reduce(tape, x.value());
        Var out =
                tape.lazyVar(
                        dtype,
                        shape,
                        () -> product(tape, x.value(), Tensor.empty(dtype, shape), reduced),
                        x.needsGradient() || isTrained());
        if (lowRank != null || weight instanceof TrainedWeight) {
            tape.keep(out, x);
        }
        if (reduced != null) {
            tape.keep(out, reduced.values());
        }
        tape.onBackward(out, () -> backward(tape, x, out.takeGradient(), reduced));
        return out;
    }

    private Tensor product(Tape tape, Tensor x, Tensor y, Reduced reduced) {
        try (var _ = Scope.open(name);
                var _ = Profile.operation("linear")) {
            weight.product(x, y, tape.workspace());
            if (bias() != null) {
                y.addInPlace(bias());
            }
            if (reduced != null) {
                try (var _ = Profile.operation("lora")) {
                    lowRank.addTo(y, reduced.values());
                }
            }
        }
        return y;
    }

    /// The narrow side of the low-rank part: drop(x)·Aᵀ [T, r], and the seed of its mask.
    private record Reduced(Tensor values, long dropoutSeed) {}

    private Reduced reduce(Tape tape, Tensor x) {
        boolean drops = tape.isTraining() && lowRank.dropout() > 0;
        long seed = drops ? tape.nextDropoutSeed() : 0;
        try (var scope = Scope.open(name);
                var _ = Profile.operation("lora")) {
            Tensor dropped = drops ? Dropout.apply(x, lowRank.dropout(), seed) : x;
            return new Reduced(scope.keep(lowRank.reduce(dropped)), seed);
        }
    }

    private void backward(Tape tape, Var x, Tensor dy, Reduced reduced) {
        if (weight instanceof TrainedWeight trained) {
            trained.addGradient(dy, x.value());
        }
        if (trainedBias != null) {
            trainedBias.gradient().addInPlace(dy.sum(0, false));
        }
        // The adapter's own gradients first: their buffers are gone before that of dx is there.
        Tensor u = lowRank == null ? null : lowRankGradients(x.value(), dy, reduced);
        if (!x.needsGradient()) {
            return;
        }
        boolean add = x.hasGradient();
        try (var _ = Profile.operation("linear backward")) {
            weight.productTransposed(dy, x.gradientMemory(), add, tape.workspace());
        }
        if (u != null) {
            try (var _ = Profile.operation("lora backward")) {
                addInputGradient(u, x, reduced);
            }
        }
    }

    /// Adds to dA and dB and returns the gradient of the narrow product. [T, r]
    private Tensor lowRankGradients(Tensor x, Tensor dy, Reduced reduced) {
        try (var scope = Scope.open("low rank");
                var _ = Profile.operation("lora backward")) {
            double p = lowRank.dropout();
            Tensor u = scope.keep(lowRank.reducedGradient(dy));
            Tensor dropped = p > 0 ? Dropout.apply(x, p, reduced.dropoutSeed()) : x;
            lowRank.addGradients(dy, reduced.values(), u, dropped);
            return u;
        }
    }

    private void addInputGradient(Tensor u, Var x, Reduced reduced) {
        double p = lowRank.dropout();
        if (p > 0) {
            Tensor dx = Tensor.empty(u.dtype(), x.shape());
            lowRank.inputGradient(u, dx, false);
            x.gradientMemory().addInPlace(Dropout.applyInPlace(dx, p, reduced.dropoutSeed()));
        } else {
            lowRank.inputGradient(u, x.gradientMemory(), true);
        }
    }
}
