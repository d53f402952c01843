package dev.graft.model;

import dev.graft.kernel.Packing;
import dev.graft.nn.FeedForward;
import dev.graft.nn.GatedMlp;
import dev.graft.nn.Linear;
import dev.graft.nn.Recompute.Part;
import dev.graft.nn.Residual;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.RopeTable;
import dev.graft.nn.RopeTable.Angles;
import dev.graft.nn.Tape;
import dev.graft.nn.Var;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// One layer: x + m · norm(attention(norm(x))), then x + m · norm(mlp(norm(x))); any of the
/// norms may be null.
///
/// @param rope null where positions are not encoded
/// @param residual m
record DecoderLayer(
        RmsNorm beforeAttention,
        SelfAttention attention,
        RmsNorm afterAttention,
        RmsNorm beforeMlp,
        FeedForward mlp,
        RmsNorm afterMlp,
        RopeTable rope,
        double residual) {

    List<Linear> linears() {
        List<Linear> all = new ArrayList<>(attention.linears());
        all.addAll(mlp.linears());
        return all;
    }

    /// Those of them that every token passes: not the experts, nor their router.
    List<Linear> passed() {
        List<Linear> all = new ArrayList<>(attention.linears());
        if (mlp instanceof GatedMlp) {
            all.addAll(mlp.linears());
        }
        return all;
    }

    /// Its norms in the order of the pass.
    List<RmsNorm> norms() {
        return Stream.of(
                        beforeAttention,
                        attention.queryNorm(),
                        attention.keyNorm(),
                        afterAttention,
                        beforeMlp,
                        afterMlp)
                .filter(Objects::nonNull)
                .toList();
    }

    /// Passes whole sequences through the layer.
    ///
    /// @param x [T, H]
    /// @param angles of each rotary embedding of the model
    /// @return [T, H]
    Var forward(Tape tape, Var x, Map<RopeTable, Angles> angles, Packing packing) {
        Angles own = rope == null ? null : angles.get(rope);
        Var afterAttention =
                tape.segment(
                        "attention",
                        x,
                        in -> attend(tape, in, n -> attention.forward(tape, n, own, packing)));
        return tape.rows(Part.MLP, "mlp", afterAttention, in -> feedForward(tape, in));
    }

    /// The same for new tokens behind those that are there, which they join.
    ///
    /// @param x [R, H]
    Var forward(Tape tape, Var x, Map<RopeTable, Angles> angles, Past past) {
        Angles own = rope == null ? null : angles.get(rope);
        Var afterAttention =
                tape.segment(
                        "attention",
                        x,
                        in -> attend(tape, in, n -> attention.forward(tape, n, own, past)));
        return tape.rows(Part.MLP, "mlp", afterAttention, in -> feedForward(tape, in));
    }

    private Var attend(Tape tape, Var x, UnaryOperator<Var> block) {
        return add(tape, x, block.apply(normed(tape, beforeAttention, x)), afterAttention);
    }

    private Var feedForward(Tape tape, Var x) {
        return add(tape, x, mlp.forward(tape, normed(tape, beforeMlp, x)), afterMlp);
    }

    private static Var normed(Tape tape, RmsNorm norm, Var x) {
        return norm == null ? x : norm.forward(tape, x);
    }

    private Var add(Tape tape, Var x, Var branch, RmsNorm norm) {
        if (norm == null) {
            return Residual.forward(tape, x, branch, residual);
        }
        Var normed = norm.forward(tape, branch);
        tape.release(branch);
        return Residual.forward(tape, x, normed, residual);
    }
}
