package dev.graft.app;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.UsageMessageSpec;

/// The list of commands in the help, under headings.
final class CommandGroups {
    private static final Map<String, List<String>> GROUPS = new LinkedHashMap<>();

    static {
        GROUPS.put("Get a model", List.of("pull"));
        GROUPS.put("Train", List.of("demo", "inspect", "plan", "train", "quantize", "init"));
        GROUPS.put("Use what was trained", List.of("generate", "chat", "eval", "render", "merge"));
        GROUPS.put("This machine", List.of("doctor"));
    }

    private CommandGroups() {}

    static void showIn(CommandLine root) {
        root.getHelpSectionMap().remove(UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING);
        root.getHelpSectionMap()
                .put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, CommandGroups::render);
    }

    private static String render(Help help) {
        var text = new StringBuilder();
        GROUPS.forEach(
                (heading, names) -> {
                    List<Help> commands =
                            names.stream()
                                    .map(help.allSubcommands()::get)
                                    .filter(Objects::nonNull)
                                    .toList();
                    text.append("%n%s:%n".formatted(heading));
                    commands.forEach(c -> text.append(line(c)));
                });
        return text.toString();
    }

    private static String line(Help command) {
        var spec = command.commandSpec();
        return "  %-10s %s%n".formatted(spec.name(), spec.usageMessage().header()[0]);
    }
}
