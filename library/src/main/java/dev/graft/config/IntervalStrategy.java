package dev.graft.config;

import java.util.Locale;

/// When something is done during training.
public enum IntervalStrategy {
    NO,
    STEPS,
    EPOCH;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
