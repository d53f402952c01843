package dev.graft.adapter;

import dev.graft.error.ConfigException;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// A choice of modules by path, as PEFT reads `target_modules` and `exclude_modules`.
public sealed interface TargetModules {

    /// Every linear map but the output head.
    record AllLinear() implements TargetModules {}

    /// Paths, or their last parts: `q_proj` is `model.layers.0.self_attn.q_proj` and its like.
    record Names(List<String> names) implements TargetModules {
        public Names {
            names = List.copyOf(names);
        }
    }

    /// A regular expression for the whole path.
    record Regex(Pattern pattern) implements TargetModules {}

    /// Reads the text form: `all-linear`, a plain module name, or a regular expression.
    static TargetModules parse(String key, String text) {
        if (text.toLowerCase(Locale.ROOT).equals("all-linear")) {
            return new AllLinear();
        }
        if (text.matches("[A-Za-z0-9_.]+") && !text.contains("..")) {
            return new Names(List.of(text));
        }
        try {
            return new Regex(Pattern.compile(text));
        } catch (PatternSyntaxException e) {
            throw new ConfigException(
                    "%s: '%s' is not a regular expression: %s"
                            .formatted(key, text, e.getDescription()),
                    e);
        }
    }

    /// Whether a linear map is chosen.
    ///
    /// @param isHead whether it is the output head
    default boolean matches(String path, boolean isHead) {
        return switch (this) {
            case AllLinear() -> !isHead;
            case Names(var names) -> names.stream().anyMatch(n -> nameMatches(n, path));
            case Regex(var pattern) -> pattern.matcher(path).matches();
        };
    }

    /// Whether a name is the path or a whole number of its last parts.
    static boolean nameMatches(String name, String path) {
        return path.equals(name) || path.endsWith("." + name);
    }
}
