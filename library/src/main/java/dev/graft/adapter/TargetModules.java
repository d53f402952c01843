package dev.graft.adapter;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// A choice of modules by path, as PEFT reads `target_modules` and `exclude_modules`.
public sealed interface TargetModules {
    /// The value that stands for every linear map.
    String ALL_LINEAR = "all-linear";

    /// Every linear map but the output head and the routers of experts.
    record AllLinear() implements TargetModules {
        @Override
        public String toString() {
            return ALL_LINEAR;
        }
    }

    /// Modules whose whole path the expression matches from end to end.
    record Regex(String regex) implements TargetModules {
        public Regex {
            compile(regex);
        }

        @Override
        public String toString() {
            return regex;
        }
    }

    /// Modules whose path is one of these or ends in a dot and one of these.
    record Names(List<String> names) implements TargetModules {
        public Names {
            names = List.copyOf(names);
        }

        @Override
        public String toString() {
            return String.join(",", names);
        }
    }

    /// Reads a string: `all-linear`, plain names with commas between, or a regular expression.
    ///
    /// PEFT takes every string for an expression; but there a plain `q_proj` matches nothing, so
    /// here it is a name.
    ///
    /// @throws IllegalArgumentException if it is none of them
    static TargetModules parse(String text) {
        if (text.toLowerCase(Locale.ROOT).equals(ALL_LINEAR)) {
            return new AllLinear();
        }
        if (text.matches("[\\w.-]+(\\s*,\\s*[\\w.-]+)*")) {
            return new Names(List.of(text.split("\\s*,\\s*", -1)));
        }
        return new Regex(text);
    }

    private static Pattern compile(String regex) {
        try {
            return Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "not a regular expression: " + e.getDescription(), e);
        }
    }

    /// Whether a linear map is chosen.
    ///
    /// @param isApart whether it is the output head or a router, which `all-linear` does not mean
    default boolean matches(String path, boolean isApart) {
        return switch (this) {
            case AllLinear() -> !isApart;
            case Names(var names) -> names.stream().anyMatch(n -> nameMatches(n, path));
            case Regex(var regex) -> Pattern.matches(regex, path);
        };
    }

    /// Whether a name is the path or a whole number of its last parts.
    static boolean nameMatches(String name, String path) {
        return path.equals(name) || path.endsWith("." + name);
    }
}
