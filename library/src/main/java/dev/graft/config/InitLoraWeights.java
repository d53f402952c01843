package dev.graft.config;

import java.util.Locale;

/// How A and B begin: `true` is Kaiming-uniform A and zero B, `gaussian` is N(0, 1/r) A and zero B,
/// `false` makes B random too, so that the fresh adapter changes the model (for tests only).
public enum InitLoraWeights {
    TRUE,
    FALSE,
    GAUSSIAN;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
