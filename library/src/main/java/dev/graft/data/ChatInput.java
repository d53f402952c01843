package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/// A conversation as a chat template sees it.
///
/// @param messages a list of objects with `role`, `content` and whatever else the template reads
/// @param tools a list of JSON schemas, or null when there are none (an empty list is not none)
/// @param documents a list of objects for retrieval, or null
/// @param addGenerationPrompt whether the text ends where the assistant begins to speak
/// @param more other variables of the template, such as `enable_thinking`; they win over all else
/// @param continued the field of the last message in which the text ends, so that a model goes on
///     with it, or null where the text is whole
public record ChatInput(
        JsonNode messages,
        JsonNode tools,
        JsonNode documents,
        boolean addGenerationPrompt,
        Map<String, JsonNode> more,
        String continued) {
    public ChatInput {
        more = Map.copyOf(more);
    }

    /// A conversation that ends where its last message does, closing marks included.
    public ChatInput(
            JsonNode messages,
            JsonNode tools,
            JsonNode documents,
            boolean addGenerationPrompt,
            Map<String, JsonNode> more) {
        this(messages, tools, documents, addGenerationPrompt, more, null);
    }

    /// A conversation alone, for training.
    public static ChatInput of(JsonNode messages) {
        return new ChatInput(messages, null, null, false, Map.of());
    }

    /// The same conversation, with or without the beginning of an answer at its end.
    public ChatInput withGenerationPrompt(boolean add) {
        return new ChatInput(messages, tools, documents, add, more, continued);
    }

    /// The same conversation with tools.
    public ChatInput withTools(JsonNode schemas) {
        return new ChatInput(messages, schemas, documents, addGenerationPrompt, more, continued);
    }

    /// The same conversation, left open in the `content` of its last message.
    public ChatInput continuing() {
        return continuing("content");
    }

    /// The same conversation, left open in another field of its last message, such as
    /// `reasoning_content`.
    public ChatInput continuing(String field) {
        return new ChatInput(messages, tools, documents, addGenerationPrompt, more, field);
    }

    boolean hasTools() {
        return tools != null && !tools.isNull() && !tools.isMissingNode();
    }
}
