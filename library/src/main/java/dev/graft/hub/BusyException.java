package dev.graft.hub;

import java.io.IOException;
import java.time.Duration;

/// The server cannot answer now and may later: 408, 429 and 5xx.
final class BusyException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Duration retryAfter;

    BusyException(String message, Duration retryAfter) {
        super(message);
        this.retryAfter = retryAfter;
    }

    /// How long the server wants to be left alone; zero where it does not say.
    Duration retryAfter() {
        return retryAfter;
    }
}
