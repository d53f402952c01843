package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.List;

/// Formats whose rows are conversations.
public sealed interface ChatFormat extends Format {
    Conversation conversation(Row row);

    @Override
    default Sample sample(Row row) {
        return new Sample.Chat(conversation(row));
    }

    /// The other variables that a row has for the template.
    static ObjectNode options(Row row) {
        return Messages.options(row, "chat_template_kwargs");
    }

    /// A list of messages: `messages`, or `conversations` as ShareGPT has them. A system prompt may
    /// stand in a column of its own.
    record MessageList(String column) implements ChatFormat {
        @Override
        public Conversation conversation(Row row) {
            var messages = new ArrayList<>(Messages.read(row, column));
            String system = Format.optional(row, "system");
            if (!system.isEmpty() && !messages.getFirst().path("role").asText().equals("system")) {
                messages.addFirst(Messages.message("system", system));
            }
            return new Conversation(messages, Messages.tools(row), 0, options(row));
        }
    }

    /// Messages of a prompt, of which nothing is trained, and those that complete it.
    record PromptCompletionMessages() implements ChatFormat {
        @Override
        public Conversation conversation(Row row) {
            List<ObjectNode> prompt = Messages.read(row, "prompt");
            var messages = new ArrayList<>(prompt);
            messages.addAll(Messages.read(row, "completion"));
            return new Conversation(messages, Messages.tools(row), prompt.size(), options(row));
        }
    }

    /// Alpaca's columns with a system prompt or earlier turns, as LLaMA-Factory has them: the
    /// prompt of Stanford has no place for these, so the row is a conversation.
    record Instruction(TextFormat.Alpaca text) implements ChatFormat {
        @Override
        public Conversation conversation(Row row) {
            var messages = new ArrayList<ObjectNode>();
            String system = Format.optional(row, "system");
            if (!system.isEmpty()) {
                messages.add(Messages.message("system", system));
            }
            for (JsonNode turn : row.values().path("history")) {
                if (turn.size() != 2 || !turn.path(0).isTextual() || !turn.path(1).isTextual()) {
                    throw new ConfigException(
                            "%s: found %s in column history, expected pairs of a question and its answer"
                                    .formatted(
                                            row.place(), DatasetReader.excerpt(turn.toString())));
                }
                messages.add(Messages.message("user", turn.get(0).textValue()));
                messages.add(Messages.message("assistant", turn.get(1).textValue()));
            }
            String instruction = Format.required(row, "instruction");
            String input = Format.optional(row, text.inputColumn());
            messages.add(
                    Messages.message(
                            "user", input.isEmpty() ? instruction : instruction + "\n" + input));
            messages.add(Messages.message("assistant", Format.required(row, text.outputColumn())));
            return new Conversation(messages, Messages.tools(row), 0, options(row));
        }
    }
}
