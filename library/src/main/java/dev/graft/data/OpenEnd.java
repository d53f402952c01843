package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.List;

/// The last message of a conversation, left open so that a model goes on with it
/// (`continue_final_message` of Transformers): a tag goes behind its words, and the rendered text
/// is cut where the tag is.
///
/// @param message with the tag
/// @param words without it
record OpenEnd(ObjectNode message, String words) {
    private static final String MARK = "CONTINUE_FINAL_MESSAGE_TAG";

    /// The space shows whether the template keeps the white space at a message's end.
    private static final String TAG = MARK + " ";

    /// Opens a message in one of its fields.
    ///
    /// @throws ConfigException where there is nothing to go on with
    static OpenEnd of(JsonNode message, String field) {
        if (!(message instanceof ObjectNode whole) || !whole.hasNonNull(field)) {
            throw nothing("a last message without " + field, "one with it");
        }
        ObjectNode open = whole.deepCopy();
        JsonNode value = open.get(field);
        if (value.isTextual()) {
            open.put(field, value.textValue() + TAG);
            return new OpenEnd(open, value.textValue());
        }
        if (!(value instanceof ArrayNode blocks)) {
            throw nothing(
                    field + " that holds " + DatasetReader.excerpt(value.toString()),
                    "a text or a list of blocks");
        }
        for (int i = blocks.size() - 1; i >= 0; i--) {
            if (blocks.get(i) instanceof ObjectNode block && block.path("text").isTextual()) {
                String text = block.get("text").textValue();
                block.put("text", text + TAG);
                return new OpenEnd(open, text);
            }
        }
        throw nothing("no text block in " + field, "one to go on with");
    }

    /// Opens the last message of an input.
    ///
    /// @param source of the template
    static OpenEnd of(ChatInput input, String source) {
        if (input.addGenerationPrompt()) {
            throw nothing(
                    "add_generation_prompt too",
                    "this one to go on with the last message, or the other to begin a new answer");
        }
        var end = of(input.messages().path(input.messages().size() - 1), input.continued());
        if (!source.contains(input.continued())) {
            throw nothing(input.continued(), "a field that the chat template reads");
        }
        return end;
    }

    /// What renders a conversation up to the end of a field of its last message.
    static ChatRenderer renderer(ChatRenderer whole, String field) {
        return (messages, tools, _, options) -> {
            List<ObjectNode> open = new ArrayList<>(messages);
            ObjectNode last = open.removeLast();
            if (AssistantSpans.isOther(last)) {
                last = last.deepCopy().<ObjectNode>set(field, last.get("content"));
            }
            var end = of(last, field);
            open.add(end.message);
            return end.cut(whole.render(open, tools, false, options));
        };
    }

    private static ConfigException nothing(String found, String expected) {
        return new ConfigException(
                "continue_final_message: found %s, expected %s".formatted(found, expected));
    }

    /// The text before the tag.
    ///
    /// @throws ConfigException where the template drops or changes the message
    String cut(String text) {
        int at = text.lastIndexOf(MARK);
        if (at < 0 || !text.contains(withoutSpace(words))) {
            throw new ConfigException(
                    "continue_final_message: the chat template drops or changes the last message:"
                            + " found %s, expected the end of '%s' in it; end with another"
                                    .formatted(
                                            DatasetReader.excerpt(text),
                                            DatasetReader.excerpt(withoutSpace(words)))
                            + " message, or choose another chat template");
        }
        String before = text.substring(0, at);
        return text.startsWith(TAG, at) ? before : before.substring(0, endOfWords(before));
    }

    private static String withoutSpace(String words) {
        int from = 0;
        int to = endOfWords(words);
        while (from < to && isSpace(words.charAt(from))) {
            from++;
        }
        return words.substring(from, to);
    }

    private static int endOfWords(String text) {
        int to = text.length();
        while (to > 0 && isSpace(text.charAt(to - 1))) {
            to--;
        }
        return to;
    }

    /// White space of Python, none of which takes two characters.
    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }
}
