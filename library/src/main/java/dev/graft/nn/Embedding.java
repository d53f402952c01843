package dev.graft.nn;

import dev.graft.profile.Profile;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// y = scale · the rows of the table that the token ids name.
public final class Embedding {
    private final String name;
    private final double scale;
    private Weight weight;

    /// @param weight [V, H]
    public Embedding(String name, Weight weight, double scale) {
        this.name = name;
        this.weight = weight;
        this.scale = scale;
    }

    public Embedding(String name, Weight weight) {
        this(name, weight, 1);
    }

    public String name() {
        return name;
    }

    public Weight weight() {
        return weight;
    }

    public void setWeight(Weight replacement) {
        this.weight = replacement;
    }

    /// Looks the rows up, in the type of the computation.
    ///
    /// @param ids [T]
    /// @return [T, H]
    public Var forward(Tape tape, Tensor ids) {
        Tensor rows;
        try (var scope = Scope.open(name);
                var _ = Profile.operation("embedding")) {
            rows = scope.keep(scaled(weight.rows(ids)));
        }
        Var out = tape.var(rows, weight instanceof TrainedWeight);
        if (weight instanceof TrainedWeight trained) {
            Tensor gradient = trained.parameter().gradient();
            tape.onBackward(
                    out, () -> gradient.indexAddInPlace(0, ids, scaled(out.takeGradient())));
        }
        return out;
    }

    private Tensor scaled(Tensor x) {
        return scale == 1 ? x : x.mulInPlace(scale);
    }
}
