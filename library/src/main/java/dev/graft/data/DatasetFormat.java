package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The value of `dataset_format`: how rows become text or chats, or `auto` to tell it from the
/// first row. The first that fits counts.
public enum DatasetFormat {
    AUTO(""),
    UNPAIRED("label (true or false), with the columns of messages or prompt_completion"),
    PREFERENCE("chosen, rejected (and prompt, conversations or instruction)"),
    MESSAGES("messages (and tools)"),
    SHAREGPT("conversations (and system, tools)"),
    PROMPT_COMPLETION("prompt, completion"),
    ALPACA("instruction, output (and input, system, history)"),
    TEXT("text");

    private final String columns;

    DatasetFormat(String columns) {
        this.columns = columns;
    }

    boolean fits(Row first, String textField) {
        ObjectNode values = first.values();
        return switch (this) {
            case AUTO -> false;
            case UNPAIRED -> answered(first, textField).isPresent();
            case PREFERENCE ->
                    (values.has("chosen") && values.has("rejected"))
                            || (values.has("chosen_messages") && values.has("rejected_messages"));
            case MESSAGES -> values.has("messages");
            case SHAREGPT -> values.has("conversations");
            case PROMPT_COMPLETION -> values.has("prompt") && values.has("completion");
            case ALPACA ->
                    values.has("instruction") && (values.has("output") || values.has("response"));
            case TEXT -> values.has(textField);
        };
    }

    Format format(Row first, String textField) {
        ObjectNode values = first.values();
        return switch (this) {
            case AUTO -> throw new IllegalArgumentException("auto is no format of its own");
            case UNPAIRED ->
                    new JudgedFormat.Unpaired(
                            answered(first, textField).orElseThrow().format(first, textField),
                            JudgedFormat.Unpaired.column(values));
            case PREFERENCE ->
                    values.has("chosen")
                            ? new JudgedFormat.Preference("chosen", "rejected")
                            : new JudgedFormat.Preference("chosen_messages", "rejected_messages");
            case MESSAGES -> new ChatFormat.MessageList("messages");
            case SHAREGPT -> new ChatFormat.MessageList("conversations");
            case PROMPT_COMPLETION ->
                    Messages.isMessages(values.get("prompt"))
                            ? new ChatFormat.PromptCompletionMessages()
                            : new TextFormat.PromptCompletion();
            case ALPACA -> alpaca(values);
            case TEXT -> new TextFormat.Plain(textField);
        };
    }

    /// What a judged row holds. A number beside columns of other formats may well be a class.
    private static Optional<DatasetFormat> answered(Row first, String textField) {
        JsonNode label = first.values().path(JudgedFormat.Unpaired.column(first.values()));
        if (JudgedFormat.Unpaired.good(label).isEmpty()) {
            return Optional.empty();
        }
        Stream<DatasetFormat> formats =
                label.isBoolean()
                        ? Stream.of(MESSAGES, PROMPT_COMPLETION, SHAREGPT, ALPACA)
                        : Stream.of(MESSAGES, PROMPT_COMPLETION);
        return formats.filter(format -> format.fits(first, textField)).findFirst();
    }

    private static Format alpaca(ObjectNode values) {
        var text =
                new TextFormat.Alpaca(
                        values.has("input") || !values.has("context") ? "input" : "context",
                        values.has("output") ? "output" : "response");
        boolean turns = values.has("history") || values.has("system");
        return turns ? new ChatFormat.Instruction(text) : text;
    }

    /// The formats and their columns, a line each, and what to do.
    static String table() {
        return Arrays.stream(values())
                        .filter(format -> format != AUTO)
                        .map(format -> "  " + format + ": " + format.columns)
                        .collect(Collectors.joining("\n", "", "\n"))
                + "rename the columns with dataset_columns, as in dataset_columns: prompt=question,completion=answer; or name the column of the text with dataset_text_field";
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
