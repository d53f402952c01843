package dev.graft.config;

import dev.graft.error.ConfigException;
import java.util.List;

/// One key of a run: its name and other names, what it may be, what it is when it is not given.
///
/// @param fallback the default; null where there is none or where it depends on other keys (`help`
///   says how)
public record Key<T>(
        String name, List<String> aliases, Kind<T> kind, T fallback, Section section, String help) {

    /// The value, or a [ConfigException] that names the key where it is out of range.
    T check(T value) {
        if (value == null || !kind.inRange().test(value)) {
            throw new ConfigException(problem(String.valueOf(value)));
        }
        return value;
    }

    String problem(String found) {
        return "%s: found %s, expected %s".formatted(name, found, kind.expected());
    }

    /// The name as a command-line option, `--learning-rate`.
    public String option() {
        return "--" + name.replace('_', '-');
    }

    /// The default as it would be written in YAML; empty where there is none.
    public String fallbackText() {
        return fallback == null ? "" : kind.writing().apply(fallback).asText(fallback.toString());
    }
}
