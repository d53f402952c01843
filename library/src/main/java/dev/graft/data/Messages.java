package dev.graft.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Brings the message lists of data sets to the form that chat templates take: `role` and `content`
/// (`from` and `value` of ShareGPT), the roles `system`, `user`, `assistant` and `tool`, texts
/// instead of lists of text blocks, calls and tools as objects instead of JSON in a text.
final class Messages {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Map<String, String> ROLES =
            Map.ofEntries(
                    Map.entry("human", "user"),
                    Map.entry("user", "user"),
                    Map.entry("prompter", "user"),
                    Map.entry("gpt", "assistant"),
                    Map.entry("assistant", "assistant"),
                    Map.entry("bot", "assistant"),
                    Map.entry("model", "assistant"),
                    Map.entry("chatgpt", "assistant"),
                    Map.entry("bing", "assistant"),
                    Map.entry("ai", "assistant"),
                    Map.entry("system", "system"),
                    Map.entry("developer", "developer"),
                    Map.entry("tool", "tool"),
                    Map.entry("ipython", "tool"),
                    Map.entry("observation", "tool"),
                    Map.entry("function", "tool"),
                    Map.entry("function_response", "tool"),
                    Map.entry("tool_response", "tool"),
                    Map.entry("tool_call", "function_call"),
                    Map.entry("function_call", "function_call"));
    /// Marks a message that the model sees and does not learn.
    private static final String UNTRAINED = "untrained";

    private static final Set<String> OWN =
            Set.of(
                    "role",
                    "from",
                    "content",
                    "value",
                    "function_call",
                    "weight",
                    "loss_weight",
                    UNTRAINED);
    private static final Set<String> REASONING = Set.of("reasoning", "thinking");

    private final Row row;
    private final String column;

    private Messages(Row row, String column) {
        this.row = row;
        this.column = column;
    }

    /// The messages of a column: a list of them, or one alone.
    ///
    /// @throws ConfigException if it holds something else
    static List<ObjectNode> read(Row row, String column) {
        JsonNode node = row.values().get(column);
        var messages = new Messages(row, column);
        if (node != null && node.isTextual() && node.textValue().stripLeading().startsWith("[")) {
            node = messages.parsed(node.textValue()); // a CSV file has nothing else
        }
        if (node instanceof ArrayNode list) {
            if (list.isEmpty()) {
                throw messages.bad(list, "at least one message");
            }
            var result = new ArrayList<ObjectNode>();
            list.forEach(message -> result.add(messages.message(message)));
            return result;
        }
        if (node instanceof ObjectNode one) {
            return List.of(messages.message(one));
        }
        throw messages.bad(node, "a list of messages");
    }

    /// A message of the user or the assistant.
    static ObjectNode message(String role, String content) {
        return JsonNodeFactory.instance.objectNode().put("role", role).put("content", content);
    }

    /// The places of messages that are not trained.
    static Set<Integer> marked(List<ObjectNode> messages) {
        return IntStream.range(0, messages.size())
                .filter(i -> messages.get(i).has(UNTRAINED))
                .boxed()
                .collect(Collectors.toSet());
    }

    /// The message without such a mark.
    static ObjectNode unmarked(ObjectNode message) {
        return message.has(UNTRAINED) ? message.deepCopy().without(List.of(UNTRAINED)) : message;
    }

    /// Whether a value can be read as messages.
    static boolean isMessages(JsonNode node) {
        JsonNode first = node instanceof ArrayNode list && !list.isEmpty() ? list.get(0) : node;
        return first instanceof ObjectNode
                && (first.has("role") || first.has("from"))
                && (first.has("content") || first.has("value") || first.has("tool_calls"));
    }

    /// The tools of a row, wrapped as functions; a text is read as JSON. Null where there are none.
    static ArrayNode tools(Row row) {
        String column = row.values().hasNonNull("tools") ? "tools" : "functions"; // OpenAI, once
        JsonNode node = row.values().get(column);
        var messages = new Messages(row, column);
        if (node != null && node.isTextual()) {
            node = node.textValue().isBlank() ? null : messages.parsed(node.textValue());
        }
        if (node == null || node.isNull() || node.isEmpty()) {
            return null;
        }
        if (!(node instanceof ArrayNode list)) {
            throw messages.bad(node, "a list of functions");
        }
        ArrayNode tools = JsonNodeFactory.instance.arrayNode();
        for (JsonNode tool : list) {
            boolean bare = tool.has("name") && !tool.has("function");
            tools.add(
                    bare
                            ? JsonNodeFactory.instance
                                    .objectNode()
                                    .put("type", "function")
                                    .set("function", tool)
                            : tool);
        }
        return tools;
    }

    /// An object of a row, or the JSON of one; null where there is none.
    static ObjectNode options(Row row, String column) {
        JsonNode node = row.values().path(column);
        var messages = new Messages(row, column);
        if (node.isTextual()) {
            node = messages.parsed(node.textValue());
        }
        if (node.isMissingNode() || node.isNull()) {
            return null;
        }
        if (node instanceof ObjectNode options) {
            return options;
        }
        throw messages.bad(node, "an object");
    }

    private ObjectNode message(JsonNode node) {
        if (!(node instanceof ObjectNode source)) {
            throw bad(node, "a message with role and content (or from and value)");
        }
        JsonNode role = source.has("role") ? source.get("role") : source.path("from");
        String known =
                role.isTextual() ? ROLES.get(role.textValue().toLowerCase(Locale.ROOT)) : null;
        if (known == null) {
            throw bad(
                    node,
                    "a message whose role is one of system, user, assistant and tool (human, gpt and observation too)");
        }
        ObjectNode message = JsonNodeFactory.instance.objectNode();
        message.put("role", known);
        content(source, message);
        source.properties().stream()
                .filter(p -> !OWN.contains(p.getKey()))
                .filter(p -> !p.getValue().isNull())
                .forEach(p -> message.set(p.getKey(), p.getValue()));
        if (known.equals("function_call")) {
            call(message, parsed(message.path("content").asText()));
        } else if (source.path("function_call") instanceof ObjectNode legacy) {
            call(message, legacy);
        }
        weigh(source, message);
        return message;
    }

    private void content(ObjectNode source, ObjectNode message) {
        JsonNode content = source.has("content") ? source.get("content") : source.get("value");
        if (content == null || content.isNull()) {
            if (!source.hasNonNull("tool_calls") && !source.hasNonNull("function_call")) {
                throw bad(source, "a message with content");
            }
            message.put("content", "");
        } else if (content.isTextual()) {
            message.set("content", content);
        } else if (content instanceof ArrayNode blocks) {
            blocks(blocks, message);
        } else {
            throw bad(source, "content that is a text or a list of blocks");
        }
    }

    /// Texts are joined, reasoning and calls get fields of their own; any other block stays
    /// as it is and the template has to know it.
    private void blocks(ArrayNode blocks, ObjectNode message) {
        var text = new StringBuilder();
        var reasoning = new StringBuilder();
        ArrayNode calls = JsonNodeFactory.instance.arrayNode();
        for (JsonNode block : blocks) {
            String type = block.path("type").asText("");
            JsonNode value = block.has("text") ? block.get("text") : block.path("value");
            if (type.equals("text") && value.isTextual()) {
                text.append(value.textValue());
            } else if (REASONING.contains(type) && value.isTextual()) {
                reasoning.append(value.textValue());
            } else if (type.equals("tool_call")) {
                calls.add(function(value.isTextual() ? parsed(value.textValue()) : value));
            } else {
                message.set("content", blocks);
                return;
            }
        }
        message.put("content", text.toString());
        if (!reasoning.isEmpty()) {
            message.put("reasoning_content", reasoning.toString());
        }
        if (!calls.isEmpty()) {
            message.set("tool_calls", calls);
        }
    }

    /// Whether an answer is trained: `weight` in the data for OpenAI, `loss_weight` in those for
    /// LLaMA-Factory.
    private void weigh(ObjectNode source, ObjectNode message) {
        JsonNode weight =
                source.hasNonNull("weight") ? source.get("weight") : source.path("loss_weight");
        if (weight.isMissingNode() || weight.isNull()) {
            return;
        }
        boolean whole = weight.isNumber() || weight.isBoolean();
        double value = weight.isBoolean() && weight.booleanValue() ? 1 : weight.doubleValue();
        if (!whole || (value != 0 && value != 1)) {
            throw bad(weight, "a weight of 0 (not trained) or 1 in each message");
        }
        if (value == 0) {
            message.put(UNTRAINED, true);
        }
    }

    /// ShareGPT writes the call of a function as a message of its own, with JSON in it; OpenAI once
    /// had one call in a field.
    private void call(ObjectNode message, JsonNode value) {
        ArrayNode calls = JsonNodeFactory.instance.arrayNode();
        if (value instanceof ArrayNode several) {
            several.forEach(one -> calls.add(function(one)));
        } else {
            calls.add(function(value));
        }
        if (message.get("role").textValue().equals("function_call")) {
            message.put("content", "");
        }
        message.put("role", "assistant");
        message.set("tool_calls", calls);
    }

    private ObjectNode function(JsonNode call) {
        if (!call.path("name").isTextual()) {
            throw bad(call, "a call with name and arguments");
        }
        JsonNode arguments = call.path("arguments");
        ObjectNode function = JsonNodeFactory.instance.objectNode();
        function.set("name", call.get("name"));
        function.set(
                "arguments",
                arguments.isTextual()
                        ? parsed(arguments.textValue())
                        : arguments.isMissingNode()
                                ? JsonNodeFactory.instance.objectNode()
                                : arguments);
        return JsonNodeFactory.instance
                .objectNode()
                .put("type", "function")
                .set("function", function);
    }

    private JsonNode parsed(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "%s: found %s in column %s, expected JSON: %s"
                            .formatted(
                                    row.place(),
                                    DatasetReader.excerpt(json),
                                    column,
                                    e.getOriginalMessage()),
                    e);
        }
    }

    private ConfigException bad(JsonNode found, String expected) {
        return new ConfigException(
                "%s: found %s in column %s, expected %s; mend the row, or set skip_bad_rows: true"
                        .formatted(
                                row.place(),
                                found == null ? "nothing" : DatasetReader.excerpt(found.toString()),
                                column,
                                expected));
    }
}
