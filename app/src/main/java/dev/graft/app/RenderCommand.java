package dev.graft.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.data.ChatInput;
import dev.graft.data.ChatTemplate;
import dev.graft.data.ChatTokenization;
import dev.graft.data.Chats;
import dev.graft.data.Conversation;
import dev.graft.data.LossPart;
import dev.graft.data.Tokenizer;
import dev.graft.error.ConfigException;
import dev.graft.hub.CachedModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `graft render`: a conversation as the chat template writes it, its tokens, and what of it is
/// trained.
@Command(
        name = "render",
        sortOptions = false,
        header = "A conversation as a chat template writes it, and what of it is trained.",
        description =
                "%nExample: graft render --model models/base --messages chat.json"
                        + " --add-generation-prompt",
        abbreviateSynopsis = true)
final class RenderCommand implements Callable<Integer> {
    private static final JsonMapper JSON = new JsonMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final Console console;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "The model whose template it is: a folder, or org/name that was pulled.")
    private String model;

    @Option(
            names = "--chat-template",
            paramLabel = "FILE",
            description = "A .jinja file, or with --model a name such as chatml.")
    private String chatTemplate;

    @Option(
            names = "--bos-token",
            paramLabel = "T",
            description = "bos_token of the template where there is no model.")
    private String bosToken;

    @Option(
            names = "--eos-token",
            paramLabel = "T",
            description = "eos_token of the template where there is no model.")
    private String eosToken;

    @Option(
            names = "--messages",
            required = true,
            paramLabel = "FILE",
            description = "JSON: a list of messages, or an object with messages (and tools).")
    private Path messages;

    @Option(names = "--tools", paramLabel = "FILE", description = "JSON: a list of functions.")
    private Path tools;

    @Option(
            names = "--add-generation-prompt",
            description = "End where the assistant's answer begins.")
    private boolean addGenerationPrompt;

    @Option(
            names = "--continue-final-message",
            arity = "0..1",
            fallbackValue = "content",
            paramLabel = "FIELD",
            description =
                    "End inside of the last message, which a model goes on with: in its content, or"
                            + " in FIELD, such as reasoning_content.")
    private String continued;

    @Option(names = "--json", description = "One JSON object: text, ids, trained spans.")
    private boolean json;

    RenderCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        Path folder =
                model == null
                        ? null
                        : CachedModels.system().folder("--model", model, CachedModels.MAIN);
        ChatTemplate template = template(folder);
        JsonNode given = read(messages, "--messages");
        JsonNode list = given.isObject() ? given.path("messages") : given;
        if (!(list instanceof ArrayNode chat)) {
            throw new ConfigException(
                    "--messages: %s holds %s, expected a list of messages, or an object with them under messages"
                            .formatted(messages, given.getNodeType()));
        }
        JsonNode functions = tools == null ? given.get("tools") : read(tools, "--tools");
        var input =
                new ChatInput(
                        chat,
                        functions,
                        given.get("documents"),
                        addGenerationPrompt,
                        Map.of(),
                        continued);
        ObjectNode result = NODES.objectNode().put("text", template.render(input).text());
        if (folder != null && hasTokenizer(folder)) {
            tokens(folder, template, chat, functions, result);
        }
        show(result);
        return 0;
    }

    private ChatTemplate template(Path folder) {
        if (folder == null && chatTemplate == null) {
            throw new ConfigException(
                    "--model: found nothing, expected a model with a chat template, or --chat-template with a file");
        }
        if (folder == null) {
            Map<String, String> special = new HashMap<>();
            if (bosToken != null) {
                special.put("bos_token", bosToken);
            }
            if (eosToken != null) {
                special.put("eos_token", eosToken);
            }
            return ChatTemplate.ofFile(existing(Path.of(chatTemplate)), special);
        }
        if (chatTemplate != null) {
            return ChatTemplate.chosen(chatTemplate, folder);
        }
        return ChatTemplate.ofModel(folder)
                .orElseThrow(
                        () ->
                                new ConfigException(
                                        "%s has no chat template; name one with --chat-template, such as chatml"
                                                .formatted(folder)));
    }

    /// A template alone is rendered without tokens.
    private static boolean hasTokenizer(Path folder) {
        return Stream.of("tokenizer.json", "tokenizer.model", "vocab.json")
                .anyMatch(name -> Files.exists(folder.resolve(name)));
    }

    private static Path existing(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new ConfigException("--chat-template: there is no file " + file);
        }
        return file;
    }

    private void tokens(
            Path folder, ChatTemplate template, ArrayNode chat, JsonNode functions, ObjectNode to) {
        List<ObjectNode> list = new ArrayList<>();
        for (JsonNode message : chat) {
            if (!(message instanceof ObjectNode object)) {
                throw new ConfigException(
                        "--messages: found %s, expected an object with role and content"
                                .formatted(message));
            }
            list.add(object);
        }
        var conversation =
                new Conversation(list, functions instanceof ArrayNode array ? array : null);
        try (var tokenizer = Tokenizer.load(folder)) {
            var tokenization =
                    new ChatTokenization(tokenizer, new Chats(template), LossPart.ANSWERS);
            if (addGenerationPrompt) {
                putIds(to, tokenization.prompt(conversation).ids());
                return;
            }
            if (continued != null) {
                putIds(to, tokenization.continuation(conversation, continued).ids());
                return;
            }
            var rendered = tokenization.rendered(conversation);
            putIds(to, rendered.tokens().ids());
            ArrayNode trained = to.putArray("trained");
            rendered.spans()
                    .forEach(
                            span ->
                                    trained.addObject()
                                            .put("from", span.from())
                                            .put("to", span.to())
                                            .put(
                                                    "text",
                                                    rendered.text()
                                                            .substring(span.from(), span.to())));
        }
    }

    private static void putIds(ObjectNode to, int[] ids) {
        ArrayNode array = to.putArray("ids");
        for (int id : ids) {
            array.add(id);
        }
    }

    private void show(ObjectNode result) {
        if (json) {
            console.json(result);
            return;
        }
        String text = result.get("text").textValue();
        console.out().print(text);
        if (!text.endsWith("\n")) {
            console.out().println();
        }
        if (result.has("ids")) {
            console.err().println(Figures.counted(result.get("ids").size(), "token"));
        }
        if (result.has("trained")) {
            result.get("trained").forEach(s -> console.err().println("trained: " + s.get("text")));
        }
    }

    private static JsonNode read(Path file, String option) {
        try {
            return JSON.readTree(Files.readString(file));
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "%s: %s is not JSON: %s".formatted(option, file, e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new ConfigException(
                    "%s: %s cannot be read: %s".formatted(option, file, e.getMessage()), e);
        }
    }
}
