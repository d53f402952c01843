package dev.graft.data;

import dev.graft.error.ConfigException;
import java.util.List;

/// Formats whose rows are text: the prompt comes first and is not trained, the answer follows and
/// is.
public sealed interface TextFormat extends Format {
    /// The text of a row, from first to last segment, without any BOS or EOS.
    List<Segment> segments(Row row);

    @Override
    default Sample sample(Row row) {
        return new Sample.Text(segments(row));
    }

    /// Instruction, input and output, in the prompt of Stanford Alpaca. Dolly calls the input
    /// `context` and the output `response`.
    record Alpaca(String inputColumn, String outputColumn) implements TextFormat {
        private static final String TASK =
                "Below is an instruction that describes a task%s. "
                        + "Write a response that appropriately completes the request.\n\n"
                        + "### Instruction:\n%s\n\n";

        public Alpaca() {
            this("input", "output");
        }

        @Override
        public List<Segment> segments(Row row) {
            for (String column : List.of("system", "history")) {
                if (!row.values().path(column).isEmpty()
                        || !row.values().path(column).asText("").isEmpty()) {
                    throw new ConfigException(
                            "%s: found a column %s, which the first row of the file does not have; add it there, empty, and all rows become conversations"
                                    .formatted(row.place(), column));
                }
            }
            return List.of(
                    new Segment(prompt(row), false),
                    new Segment(Format.required(row, outputColumn), true));
        }

        String prompt(Row row) {
            return prompt(Format.required(row, "instruction"), Format.optional(row, inputColumn));
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
    record PromptCompletion() implements TextFormat {
        @Override
        public List<Segment> segments(Row row) {
            return List.of(
                    new Segment(Format.required(row, "prompt"), false),
                    new Segment(Format.required(row, "completion"), true));
        }
    }

    /// A text that is trained as a whole.
    record Plain(String field) implements TextFormat {
        @Override
        public List<Segment> segments(Row row) {
            return List.of(new Segment(Format.required(row, field), true));
        }
    }
}
