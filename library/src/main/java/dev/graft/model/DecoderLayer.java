package dev.graft.model;

import dev.graft.nn.Attention;
import dev.graft.nn.GatedMlp;
import dev.graft.nn.Linear;
import dev.graft.nn.Recompute.Part;
import dev.graft.nn.Residual;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.Rope;
import dev.graft.nn.RopeTable.Angles;
import dev.graft.nn.Tape;
import dev.graft.nn.Var;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.List;

/// One layer: x + o(attention(norm(x))), then x + mlp(norm(x)).
record DecoderLayer(
        RmsNorm inputNorm,
        Linear q,
        Linear k,
        Linear v,
        Linear o,
        RmsNorm postAttentionNorm,
        GatedMlp mlp,
        int headWidth) {

    List<Linear> linears() {
        return List.of(q, k, v, o, mlp.gate(), mlp.up(), mlp.down());
    }

    /// Passes whole sequences through the layer.
    ///
    /// @param x [T, H]
    /// @param offsets where each sequence starts, and T
    /// @return [T, H]
    Var forward(Tape tape, Var x, Angles angles, int[] offsets) {
        Var afterAttention =
                tape.segment("attention", x, in -> attention(tape, in, angles, offsets));
        return tape.segment(Part.MLP, "mlp", afterAttention, in -> feedForward(tape, in));
    }

    private Var attention(Tape tape, Var x, Angles angles, int[] offsets) {
        Var normed = inputNorm.forward(tape, x);
        Var queries =
                Rope.forward(tape, q.forward(tape, normed), angles.cos(), angles.sin(), headWidth);
        Var keys =
                Rope.forward(tape, k.forward(tape, normed), angles.cos(), angles.sin(), headWidth);
        Var values = v.forward(tape, normed);
        Var attended = Attention.forward(tape, queries, keys, values, offsets, scale());
        return Residual.forward(tape, x, o.forward(tape, attended));
    }

    /// The same for new tokens behind those that are cached, which the new ones join.
    ///
    /// @param x [R, H]
    Var forward(Tape tape, Var x, Angles angles, KeyValueCache.Layer cache) {
        Var afterAttention = tape.segment("attention", x, in -> attention(tape, in, angles, cache));
        return tape.segment("mlp", afterAttention, in -> feedForward(tape, in));
    }

    private Var attention(Tape tape, Var x, Angles angles, KeyValueCache.Layer cache) {
        Var normed = inputNorm.forward(tape, x);
        Var queries =
                Rope.forward(tape, q.forward(tape, normed), angles.cos(), angles.sin(), headWidth);
        Var keys =
                Rope.forward(tape, k.forward(tape, normed), angles.cos(), angles.sin(), headWidth);
        Var values = v.forward(tape, normed);
        Tensor attended;
        try (var scope = Scope.open("cached attention")) {
            cache.append(keys.value(), values.value());
            attended =
                    scope.keep(
                            Attention.cached(
                                    tape, queries.value(), cache.keys(), cache.values(), scale()));
        }
        return Residual.forward(tape, x, o.forward(tape, tape.var(attended, false)));
    }

    private Var feedForward(Tape tape, Var x) {
        return Residual.forward(tape, x, mlp.forward(tape, postAttentionNorm.forward(tape, x)));
    }

    private double scale() {
        return 1 / Math.sqrt(headWidth);
    }
}
