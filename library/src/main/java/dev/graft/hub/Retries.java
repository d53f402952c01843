package dev.graft.hub;

import dev.graft.error.TrainingException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CancellationException;

/// Counts the failures in a row of one transfer and waits between them.
final class Retries {
    private final String what;
    private final Patience patience;
    private final PullListener listener;
    private int failures;

    /// @param what the file or the question, for errors
    Retries(String what, Patience patience, PullListener listener) {
        this.what = what;
        this.patience = patience;
        this.listener = listener;
    }

    /// Something new arrived, so that the count begins anew.
    void progressed() {
        failures = 0;
    }

    /// Waits before the next attempt.
    ///
    /// @throws TrainingException if this was one failure too many
    void failed(IOException failure) {
        failures++;
        Duration pause = patience.pause(failures);
        if (failure instanceof BusyException busy) {
            Duration asked = busy.retryAfter();
            if (asked.compareTo(patience.longest()) > 0) {
                throw new TrainingException(
                        "%s: %s and asks to come back in %d s; run the same command again then, a token (HF_TOKEN) raises the limit"
                                .formatted(what, busy.getMessage(), asked.toSeconds()),
                        failure);
            }
            pause = asked.compareTo(pause) > 0 ? asked : pause;
        }
        if (failures >= patience.attempts()) {
            throw new TrainingException(
                    "%s: %s, %d times in a row; what has arrived is kept, so run the same command again to go on, or check the network, the proxy and HF_ENDPOINT"
                            .formatted(what, reason(failure), failures),
                    failure);
        }
        listener.retrying(what, reason(failure), pause);
        try {
            Thread.sleep(pause);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new CancellationException(what + ": interrupted");
        }
    }

    private static String reason(IOException failure) {
        String name = failure.getClass().getSimpleName();
        String message = failure.getMessage();
        boolean own = failure.getClass() == IOException.class || failure instanceof BusyException;
        if (message == null || message.isBlank()) {
            return name;
        }
        return own ? message : name + " (" + message + ")";
    }
}
