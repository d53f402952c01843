package dev.graft.data;

/// Examples whose sizes are known without reading them.
interface Measured {
    /// Tokens of example `i`.
    int length(int i);

    /// Tokens of example `i` that are trained.
    int trained(int i);
}
