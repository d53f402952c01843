package dev.graft.nn;

import dev.graft.tensor.Tensor;

/// y = some columns of x, copied, so that x can be freed; keeps nothing.
public final class Columns {
    private Columns() {}

    /// Copies the columns and records the backward step, which writes their gradient and no other.
    ///
    /// @param x [T, …]
    /// @return [T, width]
    public static Var forward(Tape tape, Var x, long column, long width) {
        Var y = tape.var(x.value().narrow(1, column, width).copy(), x.needsGradient());
        tape.onBackward(
                y,
                () -> {
                    Tensor dx = x.gradientMemory().narrow(1, column, width);
                    dx.copyInPlace(y.takeGradient());
                });
        return y;
    }
}
