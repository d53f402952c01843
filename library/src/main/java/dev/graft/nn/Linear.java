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
/// dx = g · W + drop(u · A); dW += gᵀ · x and db += Σ g where they are trained. What is narrow are
/// [NarrowSides]. The pass keeps x for dW; a frozen W alone keeps nothing.
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
        return forward(tape, x, NarrowSides.of(tape, x, List.of(this)));
    }

    /// The same of one of several maps of x.
    ///
    /// @param narrow those of all of them
    public Var forward(Tape tape, Var x, NarrowSides narrow) {
        DType dtype = x.dtype();
        long[] shape = {x.shape()[0], weight.out()};
        if (lowRank != null) {
            narrow.begin(lowRank);
        }
        Var out =
                tape.lazyVar(
                        dtype,
                        shape,
                        () -> product(tape, x.value(), Tensor.empty(dtype, shape), narrow),
                        x.needsGradient() || isTrained());
        if (weight instanceof TrainedWeight) {
            tape.keep(out, x);
        }
        tape.onBackward(out, () -> backward(tape, x, out.takeGradient(), narrow));
        return out;
    }

    private Tensor product(Tape tape, Tensor x, Tensor y, NarrowSides narrow) {
        try (var _ = Scope.open(name);
                var _ = Profile.operation("linear")) {
            weight.product(x, y, tape.workspace());
            if (bias() != null) {
                y.addInPlace(bias());
            }
            if (lowRank != null) {
                try (var _ = Profile.operation("lora")) {
                    lowRank.addTo(y, narrow.values(lowRank));
                }
            }
        }
        return y;
    }

    private void backward(Tape tape, Var x, Tensor dy, NarrowSides narrow) {
        if (weight instanceof TrainedWeight trained) {
            trained.addGradient(dy, x.value());
        }
        if (trainedBias != null) {
            trainedBias.gradient().addInPlace(dy.sum(0, false));
        }
        if (lowRank != null) {
            // First, since its buffer is gone before that of dx is there.
            try (var _ = Scope.open("low rank");
                    var _ = Profile.operation("lora backward")) {
                lowRank.addGradientOfB(dy, narrow.values(lowRank));
                lowRank.reducedGradient(dy, narrow.gradient(lowRank));
            }
        }
        if (x.needsGradient()) {
            boolean add = x.hasGradient();
            try (var _ = Profile.operation("linear backward")) {
                weight.productTransposed(dy, x.gradientMemory(), add, tape.workspace());
            }
        }
    }
}
