package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.tensor.Tensor;

/// y = down(silu(gate(x)) ⊙ up(x)) (Shazeer 2020).
///
/// @param gate H → F
/// @param up H → F
/// @param down F → H
public record GatedMlp(Linear gate, Linear up, Linear down) {

    /// Applies the operation and records its backward step.
    ///
    /// @param x [T, H]
    /// @return [T, H]
    public Var forward(Tape tape, Var x) {
        Var g = gate.forward(tape, x); // [T, F]
        Var u = up.forward(tape, x); // [T, F]
        Var activated = swiGlu(tape, g, u); // [T, F]
        tape.release(g);
        tape.release(u);
        Var y = down.forward(tape, activated);
        tape.release(activated);
        return y;
    }

    /// silu(g) ⊙ u; keeps g and u, from which the result is made again where `down` needs it, and
    /// writes their gradients over them.
    static Var swiGlu(Tape tape, Var g, Var u) {
        Tensor gate = g.value();
        Tensor up = u.value();
        Kernels kernels = Kernels.of(gate);
        Var out =
                tape.cheapVar(
                        gate.dtype(),
                        gate.shape(),
                        () -> {
                            Tensor y = Tensor.empty(gate.dtype(), gate.shape());
                            kernels.swiGlu(gate, up, y);
                            return y;
                        },
                        g.needsGradient() || u.needsGradient());
        tape.keep(out, g);
        tape.keep(out, u);
        tape.onBackward(
                out,
                () -> {
                    kernels.swiGluBackward(out.takeGradient(), gate, up, gate, up);
                    if (g.needsGradient()) {
                        g.giveGradient(gate.alias());
                    }
                    if (u.needsGradient()) {
                        u.giveGradient(up.alias());
                    }
                });
        return out;
    }
}
