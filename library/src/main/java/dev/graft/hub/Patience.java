package dev.graft.hub;

import java.time.Duration;

/// How long a network that fails is put up with.
///
/// @param attempts failures in a row, without a new byte between, that end a transfer
/// @param first pause after the first failure; every further one is twice as long
/// @param longest pause at most; a server that asks for a longer one is not waited for
/// @param silence time without an answer or a byte that counts as a failure
record Patience(int attempts, Duration first, Duration longest, Duration silence) {
    static final Patience USUAL =
            new Patience(6, Duration.ofMillis(500), Duration.ofMinutes(2), Duration.ofSeconds(30));

    /// The pause after so many failures in a row.
    Duration pause(int failures) {
        Duration grown = first.multipliedBy(1L << Math.min(failures - 1, 20));
        return grown.compareTo(longest) < 0 ? grown : longest;
    }
}
