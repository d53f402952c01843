package dev.graft.config;

import java.util.Locale;

/// What is trained: an adapter on a frozen base, or every weight.
public enum FinetuningType {
    LORA,
    FULL;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
