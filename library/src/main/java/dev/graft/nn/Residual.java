package dev.graft.nn;

import dev.graft.tensor.Tensor;

/// y = x + branch; keeps nothing.
public final class Residual {
    private Residual() {}

    /// The memory of `branch` becomes that of the result: a linear map's output, which no backward
    /// step looks at.
    ///
    /// @param x [T, H]
    /// @param branch [T, H], overwritten
    public static Var forward(Tape tape, Var x, Var branch) {
        Var out =
                tape.lazyVar(
                        branch.dtype(),
                        branch.shape(),
                        () -> branch.value().addInPlace(x.value()),
                        x.needsGradient() || branch.needsGradient());
        tape.onBackward(
                out,
                () -> {
                    Tensor dy = out.takeGradient();
                    if (branch.needsGradient()) {
                        // The branch reads it before anything is added to the gradient of x.
                        branch.giveGradient(x.needsGradient() ? dy.alias() : dy);
                    }
                    if (x.needsGradient()) {
                        x.giveGradient(dy);
                    }
                });
        return out;
    }
}
