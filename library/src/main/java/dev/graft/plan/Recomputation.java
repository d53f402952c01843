package dev.graft.plan;

import java.util.Locale;

/// What the forward pass throws away and the backward pass computes again.
public enum Recomputation {
    /// Nothing: the fastest.
    NONE,
    /// The `[T, F]` values of the feed-forward part.
    MLP,
    /// All of a layer but its input; the last layer goes first and is kept.
    LAYER,
    /// The same, and the inputs of the layers wait in a file.
    OFFLOAD;

    /// As in a config.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Whether a layer's values are computed again as a whole.
    public boolean wholeLayers() {
        return this == LAYER || this == OFFLOAD;
    }
}
