package dev.graft.hub;

import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.net.URI;

/// Fetches one file into the cache: goes on from what is there, goes on where the connection was
/// cut, and lets nothing reach its final name whose size and hash are not right.
final class Download {
    private static final int WRONG_ATTEMPTS = 3;
    private static final int CHUNK = 1 << 16;

    private final HubClient client;
    private final RepoCache cache;
    private final Refusal refusal;
    private final Patience patience;
    private final PullListener listener;

    Download(
            HubClient client,
            RepoCache cache,
            Refusal refusal,
            Patience patience,
            PullListener listener) {
        this.client = client;
        this.cache = cache;
        this.refusal = refusal;
        this.patience = patience;
        this.listener = listener;
    }

    /// @param uri of the file on the hub
    /// @throws ModelFormatException if its content is wrong every time
    /// @throws dev.graft.error.GraftException if it cannot be had, or not be written
    void run(URI uri, RemoteFile file) {
        Runnable waiting = () -> listener.waiting(file.name());
        try (var _ = CacheLock.take(cache.lock(file.etag()), waiting)) {
            if (cache.has(file)) {
                listener.finished(file, false);
                return;
            }
            try (var partial = Partial.open(cache.partial(file.etag()), file)) {
                fetch(uri, file, partial);
                partial.moveTo(cache.blob(file.etag()));
            }
            listener.finished(file, true);
        }
    }

    private void fetch(URI uri, RemoteFile file, Partial partial) {
        String found = "";
        for (int attempt = 1; attempt <= WRONG_ATTEMPTS; attempt++) {
            receive(uri, file, partial);
            found = partial.finish();
            if (found.equals(file.etag())) {
                return;
            }
            partial.restart();
            listener.progress(file, 0);
        }
        throw new ModelFormatException(
                "%s: arrived with the hash %s, expected %s, %d times; it was deleted; a proxy or the disk may alter it: try another network, or report it"
                        .formatted(file.name(), found, file.etag(), WRONG_ATTEMPTS));
    }

    private void receive(URI uri, RemoteFile file, Partial partial) {
        var retries = new Retries(file.name(), patience, listener);
        long furthest = partial.position();
        while (!partial.isComplete()) {
            try {
                once(uri, file, partial);
            } catch (IOException e) {
                if (partial.position() > furthest) {
                    furthest = partial.position();
                    retries.progressed();
                }
                retries.failed(e);
            }
        }
    }

    /// One request and as much of its answer as comes.
    private void once(URI uri, RemoteFile file, Partial partial) throws IOException {
        long from = partial.position();
        listener.progress(file, from);
        try (Answer answer = client.get(uri, from)) {
            boolean onHub = answer.uri().equals(uri);
            if (!onHub && answer.status() >= 400 && !answer.isBusy()) {
                // A signed address that ran out; the hub gives a new one.
                throw new IOException(
                        "%s answers %d".formatted(answer.uri().getHost(), answer.status()));
            }
            if (answer.status() == 416) {
                partial.restart();
                throw new IOException("the server has no bytes from %,d on".formatted(from));
            }
            refusal.check(answer);
            if (from > 0 && !goesOn(answer, from)) {
                partial.restart();
            }
            var buffer = new byte[CHUNK];
            for (int n = answer.read(buffer); n >= 0; n = answer.read(buffer)) {
                if (n > file.size() - partial.position()) {
                    partial.restart();
                    throw new IOException(
                            "more bytes arrived than the %,d announced".formatted(file.size()));
                }
                partial.append(buffer, n);
                listener.progress(file, partial.position());
            }
        }
        if (!partial.isComplete()) {
            throw new IOException(
                    "the connection ended after %,d of %,d bytes"
                            .formatted(partial.position(), file.size()));
        }
    }

    /// Whether the answer is the rest that was asked for and not the whole file.
    private static boolean goesOn(Answer answer, long from) {
        return answer.status() == 206
                && answer.header("Content-Range").orElse("").startsWith("bytes " + from + "-");
    }
}
