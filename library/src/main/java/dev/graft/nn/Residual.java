package dev.graft.nn;

import dev.graft.profile.Profile;
import dev.graft.tensor.Tensor;

/// y = x + scale · branch; keeps nothing.
public final class Residual {
    private Residual() {}

    /// The memory of `branch` becomes that of the result: a linear map's output, which no backward
    /// step looks at.
    ///
    /// @param x [T, H]
    /// @param branch [T, H], overwritten
    public static Var forward(Tape tape, Var x, Var branch) {
        return forward(tape, x, branch, 1);
    }

    /// The same with a factor.
    public static Var forward(Tape tape, Var x, Var branch, double scale) {
        Var out =
                tape.lazyVar(
                        branch.dtype(),
                        branch.shape(),
                        () -> sum(branch.value(), scale, x.value()),
                        x.needsGradient() || branch.needsGradient());
        tape.onBackward(
                out,
                () -> {
                    Tensor dy = out.takeGradient();
                    if (branch.needsGradient()) {
                        // The branch reads it before anything is added to the gradient of x.
                        boolean shared = x.needsGradient();
                        if (scale == 1) {
                            branch.giveGradient(shared ? dy.alias() : dy);
                        } else {
                            branch.giveGradient(shared ? dy.mul(scale) : dy.mulInPlace(scale));
                        }
                    }
                    if (x.needsGradient()) {
                        x.giveGradient(dy);
                    }
                });
        return out;
    }

    private static Tensor sum(Tensor branch, double scale, Tensor x) {
        try (var _ = Profile.operation("residual")) {
            return scaled(branch, scale).addInPlace(x);
        }
    }

    private static Tensor scaled(Tensor x, double scale) {
        return scale == 1 ? x : x.mulInPlace(scale);
    }
}
