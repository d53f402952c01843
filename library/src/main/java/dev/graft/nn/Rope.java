package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.nn.RopeTable.Angles;
import dev.graft.profile.Profile;
import dev.graft.tensor.Tensor;

/// Rotary position embedding: pairs of the first R numbers of each head turned by position
/// · frequency; the backward pass turns back. Keeps nothing of its own. Where its input can
/// be made again, so can its result.
public final class Rope {
    private Rope() {}

    /// Turns the heads and lays them out head by head.
    ///
    /// @param x [T, N·D], freed: the pass keeps only the turned heads
    /// @param angles null where heads are laid out and not turned
    /// @return head-major, [N, T, D]
    public static Var forward(Tape tape, Var x, Angles angles, long headWidth) {
        Var y = part(tape, x, 0, x.shape()[1] / headWidth, angles, headWidth);
        tape.release(x);
        return y;
    }

    /// The same for heads that lie among other columns of x, which stays.
    ///
    /// @param x [T, …]
    /// @param column where the heads begin
    /// @param heads N
    /// @return head-major, [N, T, D]
    public static Var part(
            Tape tape, Var x, long column, long heads, Angles angles, long headWidth) {
        long tokens = x.shape()[0];
        long[] shape = {heads, tokens, headWidth};
        Var y;
        if (x.isCheap()) {
            y =
                    tape.cheapVar(
                            x.dtype(),
                            shape,
                            () -> {
                                Tensor turned = turn(x.value(), column, shape, angles);
                                tape.release(x);
                                return turned;
                            },
                            x.needsGradient());
        } else {
            y = tape.var(turn(x.value(), column, shape, angles), x.needsGradient());
        }
        tape.onBackward(
                y,
                () -> {
                    Tensor dx = x.gradientMemory().narrow(1, column, heads * headWidth);
                    turnBack(y.takeGradient(), angles, dx);
                });
        return y;
    }

    private static void turnBack(Tensor dy, Angles angles, Tensor dx) {
        try (var _ = Profile.operation("rope backward")) {
            if (angles == null) {
                Kernels.of(dy).ropeBackward(dy, null, null, false, dx);
            } else {
                Kernels.of(dy)
                        .ropeBackward(dy, angles.cos(), angles.sin(), angles.neighbours(), dx);
            }
        }
    }

    private static Tensor turn(Tensor x, long column, long[] shape, Angles angles) {
        Tensor out = Tensor.empty(x.dtype(), shape);
        Tensor heads = x.narrow(1, column, shape[0] * shape[2]);
        try (var _ = Profile.operation("rope")) {
            if (angles == null) {
                Kernels.of(x).rope(heads, null, null, false, out);
            } else {
                Kernels.of(x).rope(heads, angles.cos(), angles.sin(), angles.neighbours(), out);
            }
        }
        return out;
    }
}
