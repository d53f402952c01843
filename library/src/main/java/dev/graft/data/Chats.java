package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A chat template at work: rendered in one way for training, evaluation and chat.
///
/// Templates of models that also see pictures want `content` as a list of blocks and drop a text
/// without a word; which one this is, is tried out once.
public final class Chats implements ChatRenderer {
    private static final String PROBE = "a word to be seen";

    private final ChatTemplate template;
    private final boolean blocks;

    public Chats(ChatTemplate template) {
        this.template = template;
        this.blocks = !shows(false) && shows(true);
    }

    private boolean shows(boolean asBlocks) {
        try {
            var probe = List.of(Messages.message("user", PROBE));
            return render(probe, null, false, null, asBlocks).contains(PROBE);
        } catch (ConfigException _) {
            return false; // a template that refuses one message tells nothing: texts it is
        }
    }

    /// What rendered texts depend on: the template and its special tokens.
    String identity() {
        var alone = ChatInput.of(JsonNodeFactory.instance.arrayNode());
        String plain = template.source(alone);
        String withTools = template.source(alone.withTools(JsonNodeFactory.instance.arrayNode()));
        String rendered;
        try {
            rendered = render(List.of(Messages.message("user", PROBE)), null, false, null);
        } catch (ConfigException e) {
            rendered = e.getMessage();
        }
        return plain + "\0" + withTools + "\0" + rendered + "\0" + blocks;
    }

    /// The template that is rendered.
    public ChatTemplate template() {
        return template;
    }

    @Override
    public String render(
            List<ObjectNode> messages,
            ArrayNode tools,
            boolean addGenerationPrompt,
            ObjectNode options) {
        return render(messages, tools, addGenerationPrompt, options, blocks);
    }

    private String render(
            List<ObjectNode> messages,
            ArrayNode tools,
            boolean addGenerationPrompt,
            ObjectNode options,
            boolean asBlocks) {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        messages.forEach(message -> list.add(asBlocks ? inBlocks(message) : message));
        Map<String, JsonNode> more = new HashMap<>();
        if (options != null) {
            options.properties().forEach(e -> more.put(e.getKey(), e.getValue()));
        }
        return template.render(new ChatInput(list, tools, null, addGenerationPrompt, more)).text();
    }

    private static ObjectNode inBlocks(ObjectNode message) {
        if (!message.path("content").isTextual()) {
            return message;
        }
        ObjectNode block =
                JsonNodeFactory.instance
                        .objectNode()
                        .put("type", "text")
                        .put("text", message.get("content").textValue());
        ObjectNode copy = message.deepCopy();
        copy.set("content", JsonNodeFactory.instance.arrayNode().add(block));
        return copy;
    }
}
