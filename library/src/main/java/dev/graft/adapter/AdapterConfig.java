package dev.graft.adapter;

/// What an adapter is made of, with the field names of PEFT.
public sealed interface AdapterConfig permits LoraConfig {
    /// The value of `peft_type`.
    String peftType();
}
