package dev.graft.app;

import dev.graft.config.Key;
import dev.graft.config.RunConfigReader;
import dev.graft.config.Section;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/// The keys of a run as options: the table of keys is the only list there is.
final class ConfigOptions {
    /// What a command line says about a run.
    ///
    /// @param file the config file, or null
    record Given(String file, Map<String, String> overrides) {}

    private ConfigOptions() {}

    /// Adds an option for every key, under a heading for every section.
    static void addTo(CommandSpec spec) {
        int order = 0;
        for (Section section : Section.values()) {
            var group =
                    ArgGroupSpec.builder()
                            .validate(false)
                            .order(order++)
                            .heading("%n" + heading(section) + ":%n");
            for (Key<?> key : RunConfigReader.keys()) {
                if (key.section() == section) {
                    group.addArg(option(key, order++));
                }
            }
            spec.addArgGroup(group.build());
        }
    }

    private static String heading(Section section) {
        String name = section.toString();
        return section == Section.LORA
                ? "LoRA"
                : Character.toUpperCase(name.charAt(0)) + name.substring(1);
    }

    private static OptionSpec option(Key<?> key, int order) {
        boolean flag = isFlag(key);
        var option =
                OptionSpec.builder(names(key))
                        .order(order)
                        .description(description(key))
                        .paramLabel(flag ? "true|false" : label(key));
        if (flag) {
            return option.type(Boolean.class).arity("0..1").fallbackValue("true").build();
        }
        boolean alone = key.name().equals("resume_from_checkpoint");
        return alone
                ? option.type(String.class).arity("0..1").fallbackValue("true").build()
                : option.type(String.class).arity("1").build();
    }

    private static String[] names(Key<?> key) {
        return Stream.concat(
                        Stream.of(key.option()),
                        key.aliases().stream().map(a -> "--" + a.replace('_', '-')))
                .toArray(String[]::new);
    }

    private static boolean isFlag(Key<?> key) {
        return key.kind().choices().equals(List.of("true", "false"));
    }

    private static String label(Key<?> key) {
        List<String> choices = key.kind().choices();
        if (!choices.isEmpty()) {
            return String.join("|", choices);
        }
        String expected = key.kind().expected();
        if (expected.contains("map from")) {
            return "MAP";
        }
        return expected.contains("number") || expected.contains("share") ? "N" : "VALUE";
    }

    private static String description(Key<?> key) {
        String text = key.help();
        String fallback = key.fallbackText();
        if (!fallback.isEmpty() && !fallback.equals("[]") && !fallback.equals("{}")) {
            text += " (default " + fallback + ")";
        }
        return text.replace("%", "%%");
    }

    /// What was given. An option that is no key is passed on too, so that the reader names it along
    /// with every other problem.
    static Given given(String file, ParseResult parsed) {
        if (!parsed.unmatched().isEmpty()) {
            return walk(parsed.originalArgs(), parsed.commandSpec());
        }
        var overrides = new LinkedHashMap<String, String>();
        for (Key<?> key : RunConfigReader.keys()) {
            Object value = parsed.matchedOptionValue(key.option(), null);
            if (value != null) {
                overrides.put(key.name(), value.toString());
            }
        }
        return new Given(file, overrides);
    }

    /// The same by hand, taking the word behind an unknown option for its value.
    private static Given walk(List<String> args, CommandSpec spec) {
        var overrides = new LinkedHashMap<String, String>();
        String file = null;
        for (int i = args.indexOf(spec.name()) + 1; i < args.size(); i++) {
            String arg = args.get(i);
            if (!arg.startsWith("-")) {
                if (file != null) {
                    throw new ParameterException(
                            spec.commandLine(),
                            "Unexpected argument '%s' besides the config file '%s'"
                                    .formatted(arg, file));
                }
                file = arg;
                continue;
            }
            int equals = arg.indexOf('=');
            String name = equals < 0 ? arg : arg.substring(0, equals);
            boolean follows = i + 1 < args.size() && !args.get(i + 1).startsWith("-");
            boolean takes =
                    equals < 0 && follows && takesValue(spec.findOption(name), args.get(i + 1));
            String value = equals >= 0 ? arg.substring(equals + 1) : takes ? args.get(++i) : "true";
            if (!List.of("--json", "--debug", "--method", "--memory").contains(name)) {
                overrides.put(name.replaceFirst("^-+", ""), value);
            }
        }
        return new Given(file, overrides);
    }

    private static boolean takesValue(OptionSpec option, String next) {
        if (option == null) {
            return !next.endsWith(".yaml") && !next.endsWith(".yml");
        }
        boolean flag = option.arity().min() == 0;
        return !flag || next.equals("true") || next.equals("false");
    }
}
