package dev.graft.config;

import java.util.Locale;

/// The optimizer.
public enum Optim {
    ADAMW_TORCH;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
