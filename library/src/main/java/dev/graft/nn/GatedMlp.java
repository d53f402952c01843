package dev.graft.nn;

import dev.graft.kernel.Activation;
import dev.graft.kernel.Kernels;
import dev.graft.profile.Profile;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// y = down(f(gate(x)) ⊙ up(x)) (Shazeer 2020).
///
/// @param gateUp gate and up, H → F each, or one map H → 2F whose outputs are theirs side by side
/// @param down F → H
public record GatedMlp(Activation activation, List<Linear> gateUp, Linear down)
        implements FeedForward {
    public GatedMlp {
        gateUp = List.copyOf(gateUp);
    }

    @Override
    public List<Linear> linears() {
        List<Linear> all = new ArrayList<>(gateUp);
        all.add(down);
        return all;
    }

    @Override
    public Var forward(Tape tape, Var x) {
        Var activated = activated(tape, x); // [T, F]
        Var y = down.forward(tape, activated);
        tape.release(activated);
        return y;
    }

    /// f(gate(x)) ⊙ up(x). [T, F]
    Var activated(Tape tape, Var x) {
        if (gateUp.size() == 1) {
            Var both = gateUp.getFirst().forward(tape, x); // [T, 2F]
            Var activated = glu(tape, activation, both);
            tape.release(both);
            return activated;
        }
        NarrowSides narrow = NarrowSides.of(tape, x, gateUp);
        Var g = gateUp.getFirst().forward(tape, x, narrow); // [T, F]
        Var u = gateUp.getLast().forward(tape, x, narrow); // [T, F]
        Var activated = glu(tape, activation, g, u);
        tape.release(g);
        tape.release(u);
        return activated;
    }

    /// f(g) ⊙ u; keeps g and u, from which the result is made again where `down` needs it, and
    /// writes their gradients over them.
    static Var glu(Tape tape, Activation activation, Var g, Var u) {
        Tensor gate = g.value();
        Tensor up = u.value();
        Var out =
                tape.cheapVar(
                        gate.dtype(),
                        gate.shape(),
                        () -> product(activation, gate, up),
                        g.needsGradient() || u.needsGradient());
        tape.keep(out, g);
        tape.keep(out, u);
        tape.onBackward(
                out,
                () -> {
                    Tensor dOut = out.takeGradient();
                    productBackward(activation, dOut, gate, up);
                    if (g.needsGradient()) {
                        g.giveGradient(gate.alias());
                    }
                    if (u.needsGradient()) {
                        u.giveGradient(up.alias());
                    }
                });
        return out;
    }

    /// The same of gate and up side by side. [T, 2F]
    static Var glu(Tape tape, Activation activation, Var both) {
        Tensor values = both.value();
        long width = values.size(1) / 2;
        Var out =
                tape.cheapVar(
                        values.dtype(),
                        new long[] {values.size(0), width},
                        () ->
                                product(
                                        activation,
                                        values.narrow(1, 0, width),
                                        values.narrow(1, width, width)),
                        both.needsGradient());
        tape.keep(out, both);
        tape.onBackward(
                out,
                () -> {
                    Tensor dOut = out.takeGradient();
                    Tensor gate = values.narrow(1, 0, width);
                    Tensor up = values.narrow(1, width, width);
                    productBackward(activation, dOut, gate, up);
                    both.giveGradient(values.alias());
                });
        return out;
    }

    private static Tensor product(Activation activation, Tensor gate, Tensor up) {
        Tensor y = Tensor.empty(gate.dtype(), gate.shape());
        try (var _ = Profile.operation("glu")) {
            Kernels.of(y).glu(activation, gate, up, y);
        }
        return y;
    }

    /// Writes the gradients over gate and up.
    private static void productBackward(
            Activation activation, Tensor dOut, Tensor gate, Tensor up) {
        try (var _ = Profile.operation("glu backward")) {
            Kernels.of(dOut).gluBackward(activation, dOut, gate, up, gate, up);
        }
    }
}
