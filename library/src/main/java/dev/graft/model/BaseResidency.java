package dev.graft.model;

import java.util.Locale;

/// Where the frozen base lives.
public enum BaseResidency {
    /// Codes in memory, plain numbers mapped from their files.
    AUTO,
    /// In memory.
    RAM,
    /// In its files, read as it is used, so that it may be larger than memory.
    MAPPED,
    /// For a card: the layers' matrices in page-locked memory of the host, which the card reads as
    /// it multiplies, so that they may be larger than its memory.
    STREAMED;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
