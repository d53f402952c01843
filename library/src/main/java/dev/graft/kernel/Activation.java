package dev.graft.kernel;

/// The function of a gated feed-forward block's gate.
public enum Activation {
    /// g · σ(g) (Elfwing et al. 2017), also called swish.
    SILU,
    /// g · σ(2√(2/π)(g + 0.044715 g³)), which is ½ g (1 + tanh √(2/π)(g + 0.044715 g³))
    /// (Hendrycks and Gimpel 2016).
    GELU_TANH,
    /// g · Φ(g), Φ the distribution function of the normal distribution.
    GELU
}
