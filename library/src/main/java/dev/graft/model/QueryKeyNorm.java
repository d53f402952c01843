package dev.graft.model;

/// Whether queries and keys are normed before they are rotated (Henry et al. 2020).
public enum QueryKeyNorm {
    NONE,
    /// Each head alone, by weights of its width.
    HEAD,
    /// All heads together, by weights of their whole width.
    WIDTH
}
