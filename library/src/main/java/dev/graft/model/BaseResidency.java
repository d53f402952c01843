package dev.graft.model;

import java.util.Locale;

/// Where the frozen base lives.
public enum BaseResidency {
    /// Codes in memory, plain numbers mapped from their files.
    AUTO,
    /// In memory.
    RAM,
    /// In its files, read as it is used, so that it may be larger than memory.
    MAPPED;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
