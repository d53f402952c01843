package dev.graft.model;

import dev.graft.kernel.Activation;

/// The feed-forward parts of a model.
///
/// @param bias whether gate, up and down have biases
/// @param fused whether gate and up are one map, `gate_up_proj`
/// @param experts of sparse layers, or null
public record FeedForwardShape(
        Activation activation, boolean bias, boolean fused, Experts experts) {

    /// A mixture of experts.
    ///
    /// @param count E
    /// @param perToken k
    /// @param width F of an expert
    /// @param normalized whether the weights of a token's experts sum to 1
    /// @param block name of the module in its layer
    /// @param gate name of an expert's gate
    /// @param up name of an expert's up
    /// @param down name of an expert's down
    public record Experts(
            int count,
            int perToken,
            int width,
            boolean normalized,
            String block,
            String gate,
            String up,
            String down) {}
}
