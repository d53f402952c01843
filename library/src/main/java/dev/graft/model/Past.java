package dev.graft.model;

import dev.graft.kernel.AttentionRule;
import dev.graft.nn.Tape;
import dev.graft.tensor.Tensor;

/// What new tokens of a generation see of those before them, in one layer.
interface Past {
    /// Puts the new tokens behind those that are there, and attends to all of them.
    ///
    /// @param q [N, R, D], position already encoded
    /// @param k [K, R, D], position already encoded
    /// @param v [R, K·D]
    /// @return [R, N·D]
    Tensor attend(Tape tape, Tensor q, Tensor k, Tensor v, AttentionRule rule);
}
