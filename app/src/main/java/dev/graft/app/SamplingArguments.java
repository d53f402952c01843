package dev.graft.app;

import dev.graft.error.ConfigException;
import dev.graft.generate.GenerationOptions;
import dev.graft.generate.Generator;
import dev.graft.tensor.Device;
import picocli.CommandLine.Option;

/// How the next token is chosen.
final class SamplingArguments {
    @Option(
            names = "--max-new-tokens",
            paramLabel = "N",
            defaultValue = "128",
            description = "Most tokens to add (default ${DEFAULT-VALUE}).")
    private int maxNewTokens;

    @Option(
            names = "--temperature",
            paramLabel = "N",
            defaultValue = "0",
            description = "0 takes the likeliest token every time (default ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(
            names = "--top-p",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Only the likeliest tokens that together have this probability (default"
                            + " ${DEFAULT-VALUE}: all).")
    private double topP;

    @Option(
            names = "--top-k",
            paramLabel = "N",
            defaultValue = "0",
            description = "Only the N likeliest tokens (default ${DEFAULT-VALUE}: all).")
    private int topK;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "N",
            defaultValue = "1",
            description = "Above 1 makes tokens that occurred less likely (default 1).")
    private double repetitionPenalty;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "42",
            description = "Seed of the choice of tokens (default ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--cuda-graphs",
            description =
                    "On a card, record the pass of a token once and let the card repeat it by"
                            + " itself; for models without experts.")
    private boolean cudaGraphs;

    /// @throws ConfigException if passes are to be recorded, and the model is on no card
    Generator generator(OpenModel open, ProductArguments products) {
        Device device = open.model().device();
        if (cudaGraphs && !device.isCard()) {
            throw new ConfigException(
                    "--cuda-graphs: found a model on %s, expected one on a card".formatted(device));
        }
        return new Generator(open.model(), open.tokenizer(), products.type(), cudaGraphs);
    }

    GenerationOptions options() {
        return new GenerationOptions(
                maxNewTokens, temperature, topK, topP, repetitionPenalty, seed);
    }
}
