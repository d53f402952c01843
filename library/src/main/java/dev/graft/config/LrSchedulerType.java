package dev.graft.config;

import java.util.Locale;

/// How the learning rate moves after warm-up.
public enum LrSchedulerType {
    LINEAR,
    COSINE,
    CONSTANT,
    CONSTANT_WITH_WARMUP;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
