package dev.graft.config;

import java.util.Optional;

/// The base model and what of it is trained.
public record ModelOptions(String modelNameOrPath, String adapter, FinetuningType finetuningType) {
    public ModelOptions {
        Keys.MODEL.check(modelNameOrPath);
    }

    /// The adapter to go on from.
    public Optional<String> adapterNameOrPath() {
        return Optional.ofNullable(adapter);
    }
}
