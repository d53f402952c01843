package dev.graft.nn;

import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// y = the rows of the table that the token ids name.
public final class Embedding {
    private final String name;
    private Weight weight;

    /// @param weight [V, H]
    public Embedding(String name, Weight weight) {
        this.name = name;
        this.weight = weight;
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
        try (var scope = Scope.open(name)) {
            rows = scope.keep(weight.rows(ids));
        }
        Var out = tape.var(rows, weight instanceof TrainedWeight);
        if (weight instanceof TrainedWeight trained) {
            Tensor gradient = trained.parameter().gradient();
            tape.onBackward(out, () -> gradient.indexAddInPlace(0, ids, out.takeGradient()));
        }
        return out;
    }
}
