package dev.graft.config;

import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Which modules get an adapter, as PEFT reads `target_modules`.
public sealed interface TargetModules {
    /// Every linear layer but the output head.
    record AllLinear() implements TargetModules {
        @Override
        public String toString() {
            return ALL_LINEAR;
        }
    }

    /// Modules whose full name the expression matches from end to end.
    record Regex(String regex) implements TargetModules {
        public Regex {
            compile(regex);
        }

        @Override
        public String toString() {
            return regex;
        }
    }

    /// Modules whose full name is one of these or ends in a dot and one of these.
    record Names(List<String> names) implements TargetModules {
        public Names {
            names = List.copyOf(names);
        }

        @Override
        public String toString() {
            return String.join(",", names);
        }
    }

    /// The value that stands for every linear layer.
    String ALL_LINEAR = "all-linear";

    /// Reads a string: `all-linear`, plain names with commas between, or a regular expression.
    ///
    /// PEFT takes every string for an expression; but there a plain `q_proj` matches nothing, so
    /// here it is a name.
    static TargetModules parse(String text) {
        if (text.equals(ALL_LINEAR)) {
            return new AllLinear();
        }
        if (text.matches("[\\w.-]+(\\s*,\\s*[\\w.-]+)*")) {
            return new Names(List.of(text.split("\\s*,\\s*")));
        }
        return new Regex(text);
    }

    private static void compile(String regex) {
        try {
            var _ = Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "not a regular expression: " + e.getDescription(), e);
        }
    }
}
