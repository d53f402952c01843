package dev.graft.generate;

import dev.graft.error.ConfigException;

/// How text is generated, in the words of Transformers' `GenerationConfig`.
///
/// @param maxNewTokens most tokens after the prompt
/// @param temperature 0 takes the likeliest token every time
/// @param topK only the k likeliest tokens; 0 for all
/// @param topP only the likeliest tokens that together have this probability; 1 for all
/// @param repetitionPenalty above 1 makes tokens that occurred less likely (Keskar et al. 2019)
public record GenerationOptions(
        int maxNewTokens,
        double temperature,
        int topK,
        double topP,
        double repetitionPenalty,
        long seed) {
    public GenerationOptions {
        require(maxNewTokens > 0, "max_new_tokens", maxNewTokens, "a positive number");
        require(temperature >= 0, "temperature", temperature, "0 or more");
        require(topK >= 0, "top_k", topK, "0 or more");
        require(topP > 0 && topP <= 1, "top_p", topP, "more than 0 and at most 1");
        require(repetitionPenalty > 0, "repetition_penalty", repetitionPenalty, "more than 0");
    }

    /// The same with another seed.
    GenerationOptions withSeed(long other) {
        return new GenerationOptions(
                maxNewTokens, temperature, topK, topP, repetitionPenalty, other);
    }

    private static void require(boolean holds, String key, Object found, String expected) {
        if (!holds) {
            throw new ConfigException("%s: found %s, expected %s".formatted(key, found, expected));
        }
    }

    /// The likeliest token every time.
    public static GenerationOptions greedy(int maxNewTokens) {
        return new GenerationOptions(maxNewTokens, 0, 0, 1, 1, 0);
    }
}
