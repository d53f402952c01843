package dev.graft.nn;

import java.nio.file.Path;

/// What a recording [Tape] drops in the forward pass and computes again in the backward pass, to
/// trade time for memory (Chen et al. 2016). Gradients are the same to the bit under every policy,
/// as long as rows are too few for [Tiles]; else sums are rounded and dropout is drawn by tiles.
///
/// `docs/activations.md` lists what stays in memory under each.
public sealed interface Recompute {
    /// The parts of a model that a policy may drop.
    enum Part {
        LAYER,
        MLP
    }

    /// Nothing is dropped.
    record None() implements Recompute {
        @Override
        public String toString() {
            return "none";
        }
    }

    /// Of a feed-forward block only the input stays.
    record Mlp() implements Recompute {
        @Override
        public String toString() {
            return "mlp";
        }
    }

    /// Of a layer only the input stays.
    record Layer() implements Recompute {
        @Override
        public String toString() {
            return "layer";
        }
    }

    /// Of a layer only the input stays, in a file.
    ///
    /// @param folder where files of no name hold the inputs
    record Offload(Path folder) implements Recompute {
        @Override
        public String toString() {
            return "offload";
        }
    }

    /// Whether only the input of such a part stays.
    default boolean drops(Part part) {
        return switch (this) {
            case None _ -> false;
            case Mlp _ -> part == Part.MLP;
            case Layer _, Offload _ -> part == Part.LAYER;
        };
    }
}
