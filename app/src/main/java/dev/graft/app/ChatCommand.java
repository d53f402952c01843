package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.data.ChatTemplate;
import dev.graft.data.ChatTokenization;
import dev.graft.data.Chats;
import dev.graft.data.Conversation;
import dev.graft.data.LossPart;
import dev.graft.error.ConfigException;
import dev.graft.generate.Generator;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `graft chat`: a conversation in the terminal, through the chat template that training uses.
@Command(
        name = "chat",
        sortOptions = false,
        header = "Talk with a model, with or without an adapter.",
        description =
                "%nReads a line, answers, and remembers; /reset forgets, /exit or the end of the input"
                        + " ends it.",
        abbreviateSynopsis = true)
final class ChatCommand implements Callable<Integer> {
    private final Console console;

    @Mixin private ModelArguments arguments;
    @Mixin private ProductArguments products;

    @Option(
            names = "--chat-template",
            paramLabel = "TEMPLATE",
            description = "A .jinja file, or a name such as chatml (default: the model's).")
    private String chatTemplate;

    @Option(names = "--system", paramLabel = "TEXT", description = "The system message.")
    private String system;

    @Mixin private SamplingArguments sampling;

    ChatCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        try (OpenModel open = arguments.open(products.placement());
                var generator = sampling.generator(open, products)) {
            var chats =
                    new ChatTokenization(
                            open.tokenizer(), chats(open.files().folder()), LossPart.ANSWERS);
            talk(generator, chats);
        }
        return 0;
    }

    private Chats chats(Path folder) {
        if (chatTemplate != null) {
            return new Chats(ChatTemplate.chosen(chatTemplate, folder));
        }
        return new Chats(
                ChatTemplate.ofModel(folder)
                        .orElseThrow(
                                () ->
                                        new ConfigException(
                                                "%s has no chat template; name the one that it was trained with: --chat-template chatml, say"
                                                        .formatted(folder))));
    }

    private void talk(Generator generator, ChatTokenization chats) {
        List<ObjectNode> messages = begun();
        var lines = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8));
        for (String line = ask(lines); line != null; line = ask(lines)) {
            if (line.equals("/exit")) {
                return;
            }
            if (line.equals("/reset")) {
                messages = begun();
            } else if (!line.isBlank()) {
                messages.add(message("user", line));
                messages.add(message("assistant", answer(generator, chats, messages)));
            }
        }
    }

    private String answer(Generator generator, ChatTokenization chats, List<ObjectNode> messages) {
        var prompt = chats.prompt(new Conversation(messages, null));
        var made =
                generator.generate(
                        prompt.ids(),
                        sampling.options(),
                        piece -> {
                            console.out().print(piece);
                            console.out().flush();
                        });
        console.out().println();
        return made.text();
    }

    private List<ObjectNode> begun() {
        List<ObjectNode> messages = new ArrayList<>();
        if (system != null) {
            messages.add(message("system", system));
        }
        return messages;
    }

    private String ask(BufferedReader lines) {
        if (console.terminal()) {
            console.err().print("> ");
            console.err().flush();
        }
        try {
            return lines.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException("standard input", e);
        }
    }

    private static ObjectNode message(String role, String content) {
        return JsonNodeFactory.instance.objectNode().put("role", role).put("content", content);
    }
}
