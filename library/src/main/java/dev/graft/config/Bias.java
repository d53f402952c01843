package dev.graft.config;

import java.util.Locale;

/// Which biases are trained beside the adapter, as in PEFT.
public enum Bias {
    NONE,
    ALL,
    LORA_ONLY;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
