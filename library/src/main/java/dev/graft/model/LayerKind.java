package dev.graft.model;

/// What sets a layer apart from others of its model.
///
/// @param window tokens that a token sees, itself among them; 0 for all before it
/// @param rope null where positions are not encoded
/// @param sparse whether its feed-forward part is a mixture of experts
public record LayerKind(long window, RotaryEmbedding rope, boolean sparse) {}
