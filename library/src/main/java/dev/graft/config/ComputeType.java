package dev.graft.config;

import java.util.Locale;

/// The type of a quantized base's products, as far as the machine lets it be chosen.
public enum ComputeType {
    AUTO,
    FLOAT32,
    BFLOAT16,
    FLOAT16;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
