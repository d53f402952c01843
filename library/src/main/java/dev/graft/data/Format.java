package dev.graft.data;

import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What the columns of a data set mean: turns a row into the segments of one text.
///
/// The prompt comes first and is not trained, the answer follows and is. A format without a prompt
/// is trained as a whole.
public sealed interface Format {
    /// The text of a row, from first to last segment, without any BOS or EOS.
    ///
    /// @throws ConfigException where the row lacks a column or has something else than text in it
    List<Segment> segments(Row row);

    /// The columns that a row has to have.
    List<String> columns();

    /// Whether a row has a part that is not trained.
    default boolean hasPrompt() {
        return true;
    }

    /// Instruction, input and output, in the prompt of Stanford Alpaca.
    record Alpaca() implements Format {
        private static final String TASK =
                "Below is an instruction that describes a task%s. "
                        + "Write a response that appropriately completes the request.\n\n"
                        + "### Instruction:\n%s\n\n";

        @Override
        public List<String> columns() {
            return List.of("instruction", "output");
        }

        @Override
        public List<Segment> segments(Row row) {
            String input = optional(row, "input");
            return List.of(
                    new Segment(prompt(required(row, "instruction"), input), false),
                    new Segment(required(row, "output"), true));
        }

        /// The prompt as Stanford's code writes it; it ends in `Response:` and the answer follows
        /// at once.
        public static String prompt(String instruction, String input) {
            return input.isEmpty()
                    ? TASK.formatted("", instruction) + "### Response:"
                    : TASK.formatted(
                                    ", paired with an input that provides further context",
                                    instruction)
                            + "### Input:\n"
                            + input
                            + "\n\n### Response:";
        }
    }

    /// A prompt and its completion, joined as they are: a space between them belongs to the data.
    record PromptCompletion() implements Format {
        @Override
        public List<String> columns() {
            return List.of("prompt", "completion");
        }

        @Override
        public List<Segment> segments(Row row) {
            return List.of(
                    new Segment(required(row, "prompt"), false),
                    new Segment(required(row, "completion"), true));
        }
    }

    /// A text that is trained as a whole.
    record Text(String field) implements Format {
        @Override
        public List<String> columns() {
            return List.of(field);
        }

        @Override
        public boolean hasPrompt() {
            return false;
        }

        @Override
        public List<Segment> segments(Row row) {
            return List.of(new Segment(required(row, field), true));
        }
    }

    /// The format that the name stands for, or that the columns tell where the name is `auto`.
    ///
    /// @param columns those of the first row
    /// @throws ConfigException where the columns do not fit; it shows them and the formats known
    static Format of(DatasetFormat name, String textField, Set<String> columns) {
        var known = new LinkedHashMap<DatasetFormat, Format>();
        known.put(DatasetFormat.ALPACA, new Alpaca());
        known.put(DatasetFormat.PROMPT_COMPLETION, new PromptCompletion());
        known.put(DatasetFormat.TEXT, new Text(textField));
        var candidates =
                name == DatasetFormat.AUTO ? List.copyOf(known.values()) : List.of(known.get(name));
        for (var format : candidates) {
            if (columns.containsAll(format.columns())) {
                return format;
            }
        }
        throw new ConfigException(
                "dataset_format %s: found the columns %s, expected those of %s%n%s"
                        .formatted(
                                name,
                                String.join(", ", columns),
                                name == DatasetFormat.AUTO ? "a known format:" : name + ":",
                                table(known)));
    }

    /// The format that these columns tell, with `text` as the column of a plain text.
    static Format detect(Set<String> columns) {
        return of(DatasetFormat.AUTO, "text", columns);
    }

    private static String table(Map<DatasetFormat, Format> known) {
        var lines = new ArrayList<String>();
        known.forEach(
                (name, format) ->
                        lines.add(
                                "  %s: %s%s"
                                        .formatted(
                                                name,
                                                String.join(", ", format.columns()),
                                                format instanceof Alpaca ? " (and input)" : "")));
        lines.add("rename the columns, or name another one with dataset_text_field");
        return String.join(System.lineSeparator(), lines);
    }

    private static String required(Row row, String column) {
        var value = row.values().get(column);
        if (value != null && value.isTextual()) {
            return value.textValue();
        }
        throw new ConfigException(
                "%s: found %s in column %s, expected a text"
                        .formatted(row.place(), value == null ? "nothing" : value, column));
    }

    private static String optional(Row row, String column) {
        var value = row.values().get(column);
        return value == null || value.isNull() ? "" : required(row, column);
    }
}
