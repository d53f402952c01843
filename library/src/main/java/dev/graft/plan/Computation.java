package dev.graft.plan;

import dev.graft.tensor.DType;

/// Where a run computes, and in which type. On a card the bill is that of the card's memory.
///
/// @param type of activations, and the widest that frozen weights are held in on a card
public record Computation(DType type, boolean card) {
    public static final Computation ON_PROCESSOR = new Computation(DType.F32, false);

    public static Computation onCard(DType type) {
        return new Computation(type, true);
    }
}
