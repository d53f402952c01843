package dev.graft.plan;

import dev.graft.tensor.DType;

/// Where a run computes, and in which type. On a card the bill is that of the card's memory.
///
/// @param type of activations, and the widest that frozen weights are held in on a card
/// @param graphs whether passes are recorded for the card to repeat
public record Computation(DType type, boolean card, boolean graphs) {
    public static final Computation ON_PROCESSOR = new Computation(DType.F32, false, false);

    /// Of a number of that type.
    long numberBytes() {
        return type.bytes();
    }

    /// Numbers in whose place one of float32 is: what sums are, whatever is computed in.
    long sumNumbers() {
        return DType.F32.bytes() / numberBytes();
    }

    public static Computation onCard(DType type) {
        return new Computation(type, true, false);
    }

    public Computation withGraphs(boolean recorded) {
        return new Computation(type, card, recorded);
    }
}
