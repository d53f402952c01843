package dev.graft.plan;

import dev.graft.tensor.DType;

/// The numbers that activations are counted in.
///
/// @param bytes of one
/// @param card whether a card computes
record Numbers(int bytes, boolean card) {
    static Numbers of(Computation computation) {
        return new Numbers(computation.type().bytes(), computation.card());
    }

    /// Those in whose place one of float32 is: what sums are, whatever is computed in.
    long sum() {
        return DType.F32.bytes() / bytes;
    }
}
