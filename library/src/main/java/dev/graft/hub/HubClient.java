package dev.graft.hub;

import dev.graft.error.ModelFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Requests to one hub and to the hosts that it sends us to. The token goes to the hub alone.
///
/// Source: `_httpx_follow_hub_redirects_with_backoff` in `huggingface_hub/utils/_http.py`.
final class HubClient implements AutoCloseable {
    private static final int MOST_REDIRECTS = 10;

    private final HubSettings settings;
    private final Patience patience;
    private final HttpClient http;
    private final ScheduledExecutorService clock =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("graft-hub-silence").factory());

    HubClient(HubSettings settings, Patience patience) {
        this.settings = settings;
        this.patience = patience;
        // HTTP/1.1, so that files at once are connections at once.
        this.http =
                HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .connectTimeout(patience.silence())
                        .build();
    }

    /// An address on the hub, of parts that are escaped already.
    URI uri(String path) {
        return URI.create(settings.endpoint() + path);
    }

    /// Asks about a file; goes along redirects until an answer has its commit and its hash, which
    /// is the hub's own where the content lies elsewhere.
    ///
    /// @throws IOException if asking again may help
    Answer head(URI uri) throws IOException {
        URI at = uri;
        for (int hop = 0; hop <= MOST_REDIRECTS; hop++) {
            Answer answer = send("HEAD", at, 0);
            if (!answer.isRedirect()) {
                return answer;
            }
            URI target = target(answer);
            boolean told =
                    answer.header("X-Repo-Commit").isPresent()
                            && answer.header("X-Linked-ETag").isPresent();
            if (told && !isHub(target)) {
                return answer;
            }
            answer.close();
            at = target;
        }
        throw tooManyRedirects(uri);
    }

    /// Asks for content from a byte on, along redirects.
    ///
    /// @throws IOException if asking again may help
    Answer get(URI uri, long from) throws IOException {
        URI at = uri;
        for (int hop = 0; hop <= MOST_REDIRECTS; hop++) {
            Answer answer = send("GET", at, from);
            if (!answer.isRedirect()) {
                return answer;
            }
            at = target(answer);
            answer.close();
        }
        throw tooManyRedirects(uri);
    }

    /// A small answer as text.
    ///
    /// @param limit bytes at most, so that a server cannot fill the memory
    /// @throws ModelFormatException if it is longer
    static String text(Answer answer, int limit) throws IOException {
        var bytes = new ByteArrayOutputStream();
        var buffer = new byte[1 << 14];
        for (int n = answer.read(buffer); n >= 0; n = answer.read(buffer)) {
            bytes.write(buffer, 0, n);
            if (bytes.size() > limit) {
                throw new ModelFormatException(
                        "%s: longer than %,d bytes, expected a list of files; check HF_ENDPOINT"
                                .formatted(place(answer.uri()), limit));
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private Answer send(String method, URI uri, long from) throws IOException {
        var request =
                HttpRequest.newBuilder(uri)
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .header("User-Agent", "graft; java/" + Runtime.version().feature())
                        .header("Accept-Encoding", "identity");
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        if (isHub(uri)) {
            settings.token()
                    .ifPresent(token -> request.header("Authorization", "Bearer " + token.value()));
        }
        var sent = http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        Duration silence = patience.silence();
        try {
            return new Answer(sent.get(silence.toMillis(), TimeUnit.MILLISECONDS), silence, clock);
        } catch (TimeoutException e) {
            sent.cancel(true);
            throw new IOException(
                    "no answer from %s for %s".formatted(uri.getHost(), Answer.shown(silence)), e);
        } catch (InterruptedException e) {
            sent.cancel(true);
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            String why = e.getCause().getMessage();
            String name = e.getCause().getClass().getSimpleName();
            throw new IOException(
                    "cannot reach %s: %s"
                            .formatted(uri.getHost(), why == null ? name : name + " (" + why + ")"),
                    e);
        }
    }

    private URI target(Answer answer) throws IOException {
        String location = answer.header("Location").orElse("");
        URI target;
        try {
            target = answer.uri().resolve(location);
        } catch (IllegalArgumentException e) {
            throw new IOException(answer.uri().getHost() + " redirects to no address", e);
        }
        boolean web = "http".equals(target.getScheme()) || "https".equals(target.getScheme());
        boolean weaker =
                "https".equals(answer.uri().getScheme()) && !"https".equals(target.getScheme());
        if (!web || weaker || target.getHost() == null) {
            throw new ModelFormatException(
                    "%s redirects to %s, expected a host by https; check HF_ENDPOINT and proxies between"
                            .formatted(place(answer.uri()), SafeName.shown(place(target))));
        }
        return target;
    }

    /// Whether the address is the hub's own: same scheme, host and port.
    private boolean isHub(URI uri) {
        URI hub = settings.endpoint();
        return hub.getScheme().equalsIgnoreCase(uri.getScheme())
                && hub.getHost().equalsIgnoreCase(uri.getHost())
                && port(hub) == port(uri);
    }

    private static int port(URI uri) {
        if (uri.getPort() >= 0) {
            return uri.getPort();
        }
        return "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }

    /// The address without its query, which may hold a signature.
    static String place(URI uri) {
        String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
        return uri.getScheme() + "://" + uri.getHost() + port + uri.getPath();
    }

    private static IOException tooManyRedirects(URI uri) {
        return new IOException("%s: more than %d redirects".formatted(place(uri), MOST_REDIRECTS));
    }

    @Override
    public void close() {
        http.shutdownNow();
        clock.shutdownNow();
    }
}
