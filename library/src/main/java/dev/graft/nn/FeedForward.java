package dev.graft.nn;

import java.util.List;

/// The feed-forward part of a layer.
public sealed interface FeedForward permits GatedMlp, SparseMlp {
    /// Applies the operation and records its backward step.
    ///
    /// @param x [T, H]
    /// @return [T, H]
    Var forward(Tape tape, Var x);

    /// Its linear maps, in the order of Transformers.
    List<Linear> linears();
}
