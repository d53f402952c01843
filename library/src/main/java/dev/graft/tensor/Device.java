package dev.graft.tensor;

import dev.graft.error.ConfigException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where the memory of a tensor is, and where operations on it run.
///
/// @param index of several cards the number, from 0; 0 elsewhere
public record Device(Kind kind, int index) {
    private static final Pattern CARD = Pattern.compile("cuda(?::(\\d{1,2}))?");

    public enum Kind {
        CPU,
        /// An NVIDIA card.
        CUDA,
        /// Shapes and types without numbers. Whatever passes here asks for no number on the host,
        /// which is what a card needs to run ahead of it.
        META
    }

    public static final Device CPU = new Device(Kind.CPU, 0);
    public static final Device META = new Device(Kind.META, 0);

    public static Device cuda(int index) {
        return new Device(Kind.CUDA, index);
    }

    /// The device named as in PyTorch: `cpu`, `cuda`, `cuda:1`, `meta`.
    public static Device of(String name) {
        Matcher card = CARD.matcher(name);
        if (card.matches()) {
            return cuda(card.group(1) == null ? 0 : Integer.parseInt(card.group(1)));
        }
        return switch (name) {
            case "cpu" -> CPU;
            case "meta" -> META;
            default ->
                    throw new ConfigException(
                            "device: found '%s', expected cpu, cuda or cuda:1".formatted(name));
        };
    }

    public boolean isCpu() {
        return kind == Kind.CPU;
    }

    public boolean isCard() {
        return kind == Kind.CUDA;
    }

    /// The name in PyTorch.
    @Override
    public String toString() {
        return switch (kind) {
            case CPU -> "cpu";
            case CUDA -> "cuda:" + index;
            case META -> "meta";
        };
    }
}
