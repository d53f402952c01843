package dev.graft.optim;

import java.util.Locale;

/// Which parameters decay, by the rule of Transformers' Trainer: not biases and not norms.
public final class Decay {
    private Decay() {}

    /// Whether the parameter of this name decays.
    public static boolean applies(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        boolean norm =
                lower.contains("layernorm")
                        || lower.contains("rmsnorm")
                        || lower.contains("_norm.")
                        || lower.endsWith(".norm.weight");
        return !norm && !lower.contains("bias");
    }
}
