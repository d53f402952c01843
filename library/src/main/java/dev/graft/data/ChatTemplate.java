package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.jinja.JinjaException;
import dev.graft.jinja.Limits;
import dev.graft.jinja.Rendered;
import dev.graft.jinja.Template;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// Turns a conversation into the text that a model was trained to read: its chat template, exact to
/// the byte with `apply_chat_template` of Transformers.
///
/// A model may have several templates; `tool_use` is taken when there are tools, else `default`.
/// Safe for several threads.
public final class ChatTemplate {
    private static final String DEFAULT = "default";
    private static final Pattern GENERATION = Pattern.compile("\\{%-?\\s*generation\\s*-?%\\}");

    private final Map<String, String> sources;
    private final Map<String, Template> templates;
    private final Map<String, String> specialTokens;
    private final String origin;

    ChatTemplate(String origin, Map<String, String> sources, Map<String, String> specialTokens) {
        this.origin = origin;
        this.sources = Map.copyOf(sources);
        this.specialTokens = Map.copyOf(specialTokens);
        this.templates = new LinkedHashMap<>();
        sources.forEach((name, text) -> templates.put(name, compiled(origin, name, text)));
    }

    private static Template compiled(String origin, String name, String text) {
        String place = name.equals(DEFAULT) ? origin : origin + " (" + name + ")";
        try {
            return Template.compile(place, text);
        } catch (JinjaException e) {
            throw new ModelFormatException(
                    "%s; a chat template is Jinja2 as Transformers reads it"
                            .formatted(e.getMessage()),
                    e);
        }
    }

    /// The template of a model folder, as Transformers finds it: `chat_template.jinja` and
    /// `additional_chat_templates/*.jinja`, else `chat_template` in `tokenizer_config.json`; empty
    /// when there is none (a base model).
    ///
    /// @throws ModelFormatException where a template cannot be read
    public static Optional<ChatTemplate> ofModel(Path folder) {
        var found = ChatTemplateFiles.read(folder);
        return found.sources().isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new ChatTemplate(
                                found.origin(), found.sources(), SpecialTokens.read(folder)));
    }

    /// A template that the user has chosen: the name of one in the model folder, of one that comes
    /// with Graft, or a file.
    ///
    /// @param folder of the model, for its special tokens
    /// @throws ConfigException where there is nothing of this name
    public static ChatTemplate chosen(String choice, Path folder) {
        var found = ChatTemplateFiles.read(folder);
        var tokens = SpecialTokens.read(folder);
        if (found.sources().containsKey(choice)) {
            String text = found.sources().get(choice);
            return new ChatTemplate(found.origin(), Map.of(DEFAULT, text), tokens);
        }
        Path file = Path.of(choice);
        if (Files.isRegularFile(file)) {
            return new ChatTemplate(choice, Map.of(DEFAULT, ChatTemplateFiles.text(file)), tokens);
        }
        return named(choice, tokens);
    }

    /// A template that comes with Graft, for base models that have none: [NamedTemplates#NAMES].
    ///
    /// @param specialTokens such as `eos_token`, by name
    /// @throws ConfigException for another name
    public static ChatTemplate named(String name, Map<String, String> specialTokens) {
        return new ChatTemplate(name, Map.of(DEFAULT, NamedTemplates.text(name)), specialTokens);
    }

    /// A template of a file alone, without a model.
    ///
    /// @param specialTokens such as `eos_token`, by name
    /// @throws ModelFormatException where it cannot be read
    public static ChatTemplate ofFile(Path file, Map<String, String> specialTokens) {
        return new ChatTemplate(
                file.toString(), Map.of(DEFAULT, ChatTemplateFiles.text(file)), specialTokens);
    }

    /// Where the template comes from, for messages.
    public String origin() {
        return origin;
    }

    /// The text of the template that this conversation takes.
    public String source(ChatInput input) {
        return sources.get(pick(input));
    }

    /// Whether the template says itself which parts are the assistant's (`{% generation %}`), so
    /// that [Rendered#generated] is of use.
    public boolean marksGeneration(ChatInput input) {
        return GENERATION.matcher(source(input)).find();
    }

    /// The text of a conversation, and the parts of it that the assistant wrote where the template
    /// marks them.
    ///
    /// @throws ConfigException where the template refuses the conversation or fails on it;
    ///     the cause is the [JinjaException]
    public Rendered render(ChatInput input) {
        return render(input, Limits.DEFAULT, ZonedDateTime::now);
    }

    /// The text of a conversation within other limits and at another time. One that is left open
    /// ([ChatInput#continuing()]) has no marks.
    ///
    /// @param clock what `strftime_now` of the template reads; a fixed one makes runs repeatable
    public Rendered render(ChatInput input, Limits limits, Supplier<ZonedDateTime> clock) {
        if (input.continued() == null) {
            return render(input, input.messages(), limits, clock);
        }
        var end = OpenEnd.of(input, source(input));
        ArrayNode open = JsonNodeFactory.instance.arrayNode();
        input.messages().forEach(open::add);
        open.set(open.size() - 1, end.message());
        String text = render(input, open, limits, clock).text();
        return new Rendered(end.cut(text), List.of(), List.of());
    }

    private Rendered render(
            ChatInput input, JsonNode messages, Limits limits, Supplier<ZonedDateTime> clock) {
        if (messages.isEmpty()) {
            throw new ConfigException(
                    "messages: found none, expected at least one message for the chat template");
        }
        objects("tools", input.tools());
        objects("documents", input.documents());
        Map<String, Object> variables = new LinkedHashMap<>(specialTokens);
        variables.put("messages", ChatValues.of(messages));
        variables.put("tools", ChatValues.of(input.tools()));
        variables.put("documents", ChatValues.of(input.documents()));
        variables.put("add_generation_prompt", input.addGenerationPrompt());
        input.more().forEach((name, value) -> variables.put(name, ChatValues.of(value)));
        try {
            return templates.get(pick(input)).render(variables, limits, clock);
        } catch (JinjaException e) {
            throw failure(e);
        }
    }

    private static void objects(String name, JsonNode list) {
        if (list == null || list.isNull() || list.isMissingNode()) {
            return;
        }
        boolean objects = list.isArray();
        for (JsonNode one : list) {
            objects &= one.isObject();
        }
        if (!objects) {
            throw new ConfigException(
                    "%s: found %s, expected a list of JSON objects"
                            .formatted(name, DatasetReader.excerpt(list.toString())));
        }
    }

    private static ConfigException failure(JinjaException e) {
        String message =
                switch (e.kind()) {
                    case RAISED ->
                            "%s; the chat template refuses this conversation: change its messages, or choose another chat template";
                    case LIMIT -> "%s; the chat template takes more than one conversation should";
                    case SYNTAX,
                            UNDEFINED,
                            SECURITY,
                            TYPE,
                            VALUE,
                            LOOKUP,
                            ZERO_DIVISION,
                            OVERFLOW,
                            RUNTIME ->
                            "%s; the chat template cannot render this conversation: look for a message without role or content, or choose another chat template";
                };
        return new ConfigException(message.formatted(e.getMessage()), e);
    }

    private String pick(ChatInput input) {
        if (input.hasTools() && templates.containsKey("tool_use")) {
            return "tool_use";
        }
        if (!templates.containsKey(DEFAULT)) {
            throw new ConfigException(
                    "%s has several chat templates and no default; name one of %s"
                            .formatted(origin, sources.keySet().stream().sorted().toList()));
        }
        return DEFAULT;
    }
}
