package dev.graft.config;

import java.util.Locale;

/// The chapters that keys are listed under.
public enum Section {
    MODEL,
    QUANTIZATION,
    OUTPUT,
    LORA,
    DATA,
    TRAINING,
    OPTIMIZER,
    EVALUATION,
    CHECKPOINTS;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
