package dev.graft.data;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Set;

/// The messages of a chat as templates take them: objects with `role`, `content` and whatever else
/// there is (`tool_calls`, `reasoning_content`, …).
///
/// @param tools the functions that the assistant may call, or null
/// @param promptMessages so many first messages are the prompt, of which nothing is trained
/// @param options other variables for the template: `chat_template_kwargs` of the row, or null
/// @param untrained the places of messages of the assistant that are shown and not trained
public record Conversation(
        List<ObjectNode> messages,
        ArrayNode tools,
        int promptMessages,
        ObjectNode options,
        Set<Integer> untrained) {
    public Conversation {
        messages = List.copyOf(messages);
        untrained = Set.copyOf(untrained);
    }

    /// Of messages that [Messages] read: a mark of what is not trained becomes a place, since a
    /// template may print a message whole.
    Conversation(
            List<ObjectNode> messages, ArrayNode tools, int promptMessages, ObjectNode options) {
        this(
                messages.stream().map(Messages::unmarked).toList(),
                tools,
                promptMessages,
                options,
                Messages.marked(messages));
    }

    public Conversation(List<ObjectNode> messages, ArrayNode tools) {
        this(messages, tools, 0, null);
    }
}
