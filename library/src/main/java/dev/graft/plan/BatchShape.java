package dev.graft.plan;

import dev.graft.error.ConfigException;

/// The size of a micro-batch.
///
/// @param sequences B
/// @param longest tokens of the longest sequence
/// @param tokens T, of all sequences together
public record BatchShape(int sequences, int longest, long tokens) {
    public BatchShape {
        if (sequences < 1 || longest < 1 || tokens < longest) {
            throw new ConfigException(
                    "a batch of %d sequences, the longest of %d tokens, %d tokens in all: expected at least one of each"
                            .formatted(sequences, longest, tokens));
        }
    }

    /// Sequences of one length.
    public static BatchShape of(int sequences, int length) {
        return new BatchShape(sequences, length, (long) sequences * length);
    }

    /// Positions that have a next token to predict, at most.
    long labelled() {
        return Math.max(1, tokens - sequences);
    }
}
