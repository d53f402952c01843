package dev.graft.app;

import dev.graft.generate.GenerationOptions;
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

    GenerationOptions options() {
        return new GenerationOptions(
                maxNewTokens, temperature, topK, topP, repetitionPenalty, seed);
    }
}
