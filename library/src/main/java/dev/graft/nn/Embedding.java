package dev.graft.nn;

import dev.graft.profile.Profile;
import dev.graft.tensor.DType;
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

    /// Looks the rows up.
    ///
    /// @param ids [T]
    /// @param type of the computation
    /// @return [T, H]
    public Var forward(Tape tape, Tensor ids, DType type) {
        Tensor rows;
        try (var scope = Scope.open(name);
                var _ = Profile.operation("embedding")) {
            rows = scope.keep(scaled(in(type, weight.rows(ids))));
        }
        Var out = tape.var(rows, weight instanceof TrainedWeight);
        if (weight instanceof TrainedWeight trained) {
            Tensor gradient = trained.parameter().gradient();
            tape.onBackward(
                    out,
                    () -> {
                        Tensor dRows = in(gradient.dtype(), scaled(out.takeGradient()));
                        gradient.indexAddInPlace(0, ids, dRows);
                    });
        }
        return out;
    }

    private static Tensor in(DType type, Tensor x) {
        return x.dtype() == type ? x : x.to(type);
    }

    private Tensor scaled(Tensor x) {
        return scale == 1 ? x : x.mulInPlace(scale);
    }
}
