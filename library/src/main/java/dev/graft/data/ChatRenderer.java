package dev.graft.data;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/// Turns messages into the text that a model was trained on: a chat template, ready for use.
@FunctionalInterface
public interface ChatRenderer {
    /// The text of the messages.
    ///
    /// @param tools the functions that may be called, or null
    /// @param addGenerationPrompt whether the text ends where the assistant's answer begins
    /// @param options further variables, or null
    /// @throws dev.graft.error.ConfigException where the template fails or refuses the messages
    String render(
            List<ObjectNode> messages,
            ArrayNode tools,
            boolean addGenerationPrompt,
            ObjectNode options);
}
