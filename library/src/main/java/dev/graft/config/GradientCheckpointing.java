package dev.graft.config;

import java.util.Locale;

/// Which activations are dropped and computed again in the backward pass.
public enum GradientCheckpointing {
    /// The run decides.
    AUTO,
    NONE,
    /// The inside of feed-forward blocks.
    MLP,
    /// The inside of layers.
    LAYER,
    /// The inside of layers; their inputs wait on disk.
    OFFLOAD;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
