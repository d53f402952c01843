package dev.graft.app;

import dev.graft.error.GraftException;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// Turns whatever went wrong into a line on `err` and an exit code.
record Failures(Console console, boolean debug) {
    private static final int UNEXPECTED = 1;
    private static final int USAGE = 2;
    private static final int MEMORY = 4;

    int report(Throwable thrown) {
        int code =
                switch (thrown) {
                    case GraftException e -> {
                        error(e.getMessage());
                        yield e.exitCode();
                    }
                    case OutOfMemoryError e -> {
                        error(
                                "the Java heap is full (%s): the data set may be too large for it; set GRAFT_JAVA_OPTIONS=-Xmx4g, or train on fewer rows"
                                        .formatted(e.getMessage()));
                        yield MEMORY;
                    }
                    default -> {
                        error(
                                "unexpected %s%s"
                                        .formatted(
                                                thrown,
                                                debug ? "" : "; --debug shows where it happened"));
                        yield UNEXPECTED;
                    }
                };
        if (debug) {
            thrown.printStackTrace(console.err());
        }
        return code;
    }

    int usage(ParameterException e) {
        String name = e.getCommandLine().getCommandSpec().qualifiedName();
        List<String> near =
                e instanceof UnmatchedArgumentException unmatched
                        ? unmatched.getSuggestions()
                        : List.of();
        String suggestion =
                near.isEmpty()
                        ? ""
                        : "; did you mean %s?"
                                .formatted(
                                        near.stream().limit(3).collect(Collectors.joining(", ")));
        error("%s%s (see `%s --help`)".formatted(e.getMessage(), suggestion, name));
        if (debug) {
            e.printStackTrace(console.err());
        }
        return USAGE;
    }

    /// One line, unless it lists several problems.
    private void error(String message) {
        List<String> lines = message.strip().lines().toList();
        boolean listed = lines.getFirst().endsWith(" problems");
        console.err().println("error: " + (listed ? String.join("\n", lines) : joined(lines)));
        console.err().flush();
    }

    private static String joined(List<String> lines) {
        var text = new StringBuilder(lines.getFirst());
        for (String line : lines.subList(1, lines.size())) {
            char last = text.charAt(text.length() - 1);
            boolean begins = last == ':' || text.toString().endsWith(" problem");
            text.append(last == ':' ? " " : begins ? ": " : "; ").append(line.strip());
        }
        return text.toString();
    }
}
