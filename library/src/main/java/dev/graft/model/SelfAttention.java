package dev.graft.model;

import dev.graft.kernel.AttentionRule;
import dev.graft.kernel.Packing;
import dev.graft.nn.Attention;
import dev.graft.nn.Columns;
import dev.graft.nn.Linear;
import dev.graft.nn.NarrowSides;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.Rope;
import dev.graft.nn.RopeTable.Angles;
import dev.graft.nn.Tape;
import dev.graft.nn.Var;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// o(attention(rope(norm(q(x))), rope(norm(k(x))), v(x))), where norms and rotation may be absent.
///
/// @param projections q, k and v, or one map whose outputs are theirs side by side
/// @param queryNorm null where queries are not normed
/// @param keyNorm null where keys are not normed
record SelfAttention(
        List<Linear> projections,
        Linear output,
        RmsNorm queryNorm,
        RmsNorm keyNorm,
        AttentionRule rule,
        int heads,
        int keyHeads,
        int headWidth) {
    SelfAttention {
        projections = List.copyOf(projections);
    }

    List<Linear> linears() {
        List<Linear> all = new ArrayList<>(projections);
        all.add(output);
        return all;
    }

    /// Queries [N, T, D] and keys [K, T, D] with their positions, values [T, K·D].
    private record Heads(Var queries, Var keys, Var values) {}

    private Heads project(Tape tape, Var x, Angles angles) {
        if (projections.size() == 1) {
            return split(tape, projections.getFirst().forward(tape, x), angles);
        }
        NarrowSides narrow = NarrowSides.of(tape, x, projections);
        Var q = projections.get(0).forward(tape, x, narrow);
        Var queries = Rope.forward(tape, normed(tape, queryNorm, q), angles, headWidth);
        Var k = projections.get(1).forward(tape, x, narrow);
        Var keys = Rope.forward(tape, normed(tape, keyNorm, k), angles, headWidth);
        return new Heads(queries, keys, projections.get(2).forward(tape, x, narrow));
    }

    private static Var normed(Tape tape, RmsNorm norm, Var x) {
        if (norm == null) {
            return x;
        }
        Var normed = norm.forward(tape, x);
        tape.release(x);
        return normed;
    }

    private Heads split(Tape tape, Var all, Angles angles) {
        long queryColumns = (long) heads * headWidth;
        long keyColumns = (long) keyHeads * headWidth;
        Var queries = Rope.part(tape, all, 0, heads, angles, headWidth);
        Var keys = Rope.part(tape, all, queryColumns, keyHeads, angles, headWidth);
        Var values = Columns.forward(tape, all, queryColumns + keyColumns, keyColumns);
        tape.release(all);
        return new Heads(queries, keys, values);
    }

    /// Whole sequences.
    ///
    /// @param x [T, H]
    /// @param angles null where positions are not encoded
    /// @return [T, H]
    Var forward(Tape tape, Var x, Angles angles, Packing packing) {
        Heads h = project(tape, x, angles);
        Var attended = Attention.forward(tape, h.queries(), h.keys(), h.values(), packing, rule);
        return output.forward(tape, attended);
    }

    /// New tokens behind those that are there, which they join.
    ///
    /// @param x [R, H]
    Var forward(Tape tape, Var x, Angles angles, Past past) {
        Heads h = project(tape, x, angles);
        Tensor attended;
        try (var scope = Scope.open("cached attention")) {
            attended =
                    scope.keep(
                            past.attend(
                                    tape,
                                    h.queries().value(),
                                    h.keys().value(),
                                    h.values().value(),
                                    rule));
        }
        return output.forward(tape, tape.var(attended, false));
    }
}
