package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import dev.graft.generate.GenerationOptions;
import dev.graft.generate.GenerationTime;
import dev.graft.generate.Generator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `graft generate`: continues a text, as it comes, or many at once.
@Command(
        name = "generate",
        sortOptions = false,
        header = "Continue texts with a model, with or without an adapter.",
        abbreviateSynopsis = true)
final class GenerateCommand implements Callable<Integer> {
    private final Console console;

    @Mixin private ModelArguments arguments;
    @Mixin private ProductArguments products;

    @ArgGroup(multiplicity = "1")
    private What what;

    /// One prompt or many.
    private static final class What {
        @Option(
                names = "--prompt",
                required = true,
                paramLabel = "TEXT",
                description =
                        "What to continue; - reads it from standard input, less its last newline.")
        private String prompt;

        @Option(
                names = "--prompts",
                required = true,
                paramLabel = "FILE",
                description =
                        "JSON lines with a \"prompt\" each; prints JSON lines with the"
                                + " \"completion\".")
        private Path prompts;
    }

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            defaultValue = "8",
            description = "How many of --prompts are continued at once (default ${DEFAULT-VALUE}).")
    private int batchSize;

    @Mixin private SamplingArguments sampling;

    @Option(names = "--json", description = "One JSON object on standard output at the end.")
    private boolean json;

    GenerateCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        GenerationOptions options = sampling.options();
        if (what.prompts != null) {
            continueAll(options);
            return 0;
        }
        String text = what.prompt.equals("-") ? standardInput() : what.prompt;
        try (OpenModel open = arguments.open(products.placement());
                var generator = sampling.generator(open, products)) {
            report(generator.generate(text, options, onText()));
        }
        return 0;
    }

    private void continueAll(GenerationOptions options) {
        if (batchSize < 1) {
            throw new ConfigException(
                    "--batch-size: found %d, expected 1 or more".formatted(batchSize));
        }
        List<String> prompts = Prompts.read(what.prompts);
        try (OpenModel open = arguments.open(products.placement());
                var generator = sampling.generator(open, products)) {
            new Continuations(console, prompts).generate(generator, options, batchSize);
        }
    }

    private String standardInput() {
        try {
            String text = new String(console.in().readAllBytes(), StandardCharsets.UTF_8);
            return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
        } catch (IOException e) {
            throw new UncheckedIOException("standard input", e);
        }
    }

    private Consumer<String> onText() {
        return json
                ? _ -> {}
                : piece -> {
                    console.out().print(piece);
                    console.out().flush();
                };
    }

    private void report(Generator.Generation made) {
        if (json) {
            console.json(json(made));
            return;
        }
        GenerationTime time = made.time();
        console.out().println();
        console.err()
                .println(
                        Figures.format(
                                "[prompt: %s in %.2f s, %.1f tokens/s; new: %s%s%s]",
                                Figures.counted(time.promptTokens(), "token"),
                                time.promptSeconds(),
                                time.promptRate(),
                                Figures.counted(made.ids().length, "token"),
                                decoding(time),
                                made.stopped() ? "" : ", cut off by --max-new-tokens"));
    }

    private static String decoding(GenerationTime time) {
        return time.decodedTokens() == 0
                ? ""
                : Figures.format(
                        ", %.2f s after the first, %.1f tokens/s",
                        time.decodeSeconds(), time.decodeRate());
    }

    private static ObjectNode json(Generator.Generation made) {
        GenerationTime time = made.time();
        return JsonNodeFactory.instance
                .objectNode()
                .put("text", made.text())
                .put("tokens", made.ids().length)
                .put("stopped", made.stopped())
                .put("prompt_tokens", time.promptTokens())
                .put("prompt_seconds", time.promptSeconds())
                .put("prompt_tokens_per_second", time.promptRate())
                .put("decoded_tokens", time.decodedTokens())
                .put("decode_seconds", time.decodeSeconds())
                .put("decode_tokens_per_second", time.decodeRate());
    }
}
