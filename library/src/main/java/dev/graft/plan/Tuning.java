package dev.graft.plan;

import dev.graft.adapter.LoraConfig;

/// What of the model is trained.
public sealed interface Tuning {
    /// Every weight.
    record Full() implements Tuning {}

    /// An adapter.
    record Lora(LoraConfig config) implements Tuning {}
}
