package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.tensor.Tensor;

/// Rotary position embedding: pairs (i, i + D/2) of each head turned by position · frequency; the
/// backward pass turns back. Keeps nothing of its own.
public final class Rope {
    private Rope() {}

    /// Turns the heads and lays them out head by head.
    ///
    /// @param x [T, N·D], freed: the pass keeps only the turned heads
    /// @param cos [T, D/2]
    /// @param sin [T, D/2]
    /// @return head-major, [N, T, D]
    public static Var forward(Tape tape, Var x, Tensor cos, Tensor sin, long headWidth) {
        Tensor input = x.value();
        long tokens = input.size(0);
        long heads = input.size(1) / headWidth;
        Tensor out = Tensor.empty(input.dtype(), heads, tokens, headWidth);
        Kernels kernels = Kernels.of(input);
        kernels.rope(input, cos, sin, out);
        Var y = tape.var(out, x.needsGradient());
        tape.onBackward(
                y,
                () -> {
                    Tensor dx = Tensor.empty(out.dtype(), tokens, heads * headWidth);
                    kernels.ropeBackward(y.takeGradient(), cos, sin, dx);
                    x.giveGradient(dx);
                });
        tape.release(x);
        return y;
    }
}
