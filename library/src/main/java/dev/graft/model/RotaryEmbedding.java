package dev.graft.model;

import dev.graft.nn.RopeTable;

/// The rotary embedding of a layer (Su et al. 2021).
///
/// @param theta base of the wavelengths
/// @param width R, the leading part of a head that is rotated
/// @param neighbours whether pairs are (2i, 2i + 1), as in GLM, rather than (i, i + R/2)
public record RotaryEmbedding(double theta, int width, RopeScaling scaling, boolean neighbours) {
    RopeTable table() {
        return new RopeTable(
                length -> scaling.inverseFrequencies(theta, width, length),
                scaling.attentionFactor(),
                neighbours);
    }
}
