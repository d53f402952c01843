package dev.graft.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/// What a server answered. Reading its body fails where no byte comes for a while, since a
/// connection that hangs is not told from a slow one otherwise.
final class Answer implements AutoCloseable {
    private final HttpResponse<InputStream> response;
    private final Duration silence;
    private final ScheduledFuture<?> watch;
    private volatile long askedAt;
    private volatile boolean silent;

    Answer(HttpResponse<InputStream> response, Duration silence, ScheduledExecutorService clock) {
        this.response = response;
        this.silence = silence;
        long period = Math.max(1, silence.toMillis() / 4);
        this.watch = clock.scheduleAtFixedRate(this::look, period, period, TimeUnit.MILLISECONDS);
    }

    int status() {
        return response.statusCode();
    }

    URI uri() {
        return response.uri();
    }

    Optional<String> header(String name) {
        return response.headers().firstValue(name);
    }

    boolean isRedirect() {
        return switch (status()) {
            case 301, 302, 303, 307, 308 -> header("Location").isPresent();
            default -> false;
        };
    }

    boolean isBusy() {
        return status() == 408 || status() == 429 || status() >= 500;
    }

    /// `Retry-After`, in seconds or as a date; zero where there is none.
    Duration retryAfter() {
        String text = header("Retry-After").orElse("0").strip();
        try {
            if (text.matches("\\d{1,9}")) {
                return Duration.ofSeconds(Long.parseLong(text));
            }
            var at = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME);
            Duration until = Duration.between(Instant.now(), at);
            return until.isNegative() ? Duration.ZERO : until;
        } catch (DateTimeParseException _) {
            return Duration.ZERO; // the pause grows by itself then
        }
    }

    /// Reads some bytes; -1 at the end.
    ///
    /// @throws IOException if the connection breaks or hangs
    int read(byte[] buffer) throws IOException {
        askedAt = Math.max(1, System.nanoTime());
        try {
            return response.body().read(buffer);
        } catch (IOException e) {
            throw silent ? new IOException("no byte for " + shown(silence), e) : e;
        } finally {
            askedAt = 0;
        }
    }

    private void look() {
        long since = askedAt;
        if (since != 0 && System.nanoTime() - since > silence.toNanos()) {
            silent = true;
            close();
        }
    }

    static String shown(Duration duration) {
        return duration.toMillis() < 1000
                ? duration.toMillis() + " ms"
                : duration.toSeconds() + " s";
    }

    @Override
    public void close() {
        watch.cancel(false);
        try {
            response.body().close();
        } catch (IOException _) {
            // Nothing of it is wanted any more.
        }
    }
}
