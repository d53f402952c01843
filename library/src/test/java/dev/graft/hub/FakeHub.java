package dev.graft.hub;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// A server that speaks the hub's protocol for one model, `org/name`: the hub is 127.0.0.1, its
/// content delivery network is localhost.
final class FakeHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    static final Patience HASTY =
            new Patience(4, Duration.ofMillis(2), Duration.ofSeconds(2), Duration.ofMillis(1500));

    /// What was asked.
    ///
    /// @param host `127.0.0.1` or `localhost`
    /// @param file the name in the repository, empty for the listing
    record Seen(String method, String host, String file, String authorization, String range) {}

    /// Answers in the hub's place.
    @FunctionalInterface
    interface Fault {
        /// Whether it answered.
        boolean answers(HttpExchange exchange, Seen seen) throws IOException;
    }

    private static final ObjectMapper JSON = new ObjectMapper();

    final Map<String, byte[]> files = new LinkedHashMap<>();
    final List<Seen> seen = Collections.synchronizedList(new ArrayList<>());
    volatile Fault fault = (_, _) -> false;
    volatile String sha = COMMIT;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    FakeHub() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    /// A model in two shards with what is usually beside it.
    static FakeHub withModel() throws IOException {
        var hub = new FakeHub();
        hub.put("config.json", "{\"model_type\": \"llama\"}");
        hub.put("tokenizer.json", "{}".repeat(100));
        hub.put("additional_chat_templates/tool.jinja", "{{ messages }}");
        hub.put("README.md", "no");
        hub.put("pytorch_model.bin", "no");
        hub.put("original/model.safetensors", "no");
        hub.put("model.gguf", "no");
        hub.put("consolidated.safetensors", "no");
        String one = "model-00001-of-00002.safetensors";
        String two = "model-00002-of-00002.safetensors";
        hub.put(
                "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"%s\", \"b\": \"%s\"}}".formatted(one, two));
        hub.files.put(one, bytes(300_000, 1));
        hub.files.put(two, bytes(200_000, 2));
        return hub;
    }

    static byte[] bytes(int count, int seed) {
        var bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    void put(String name, String text) {
        files.put(name, text.getBytes(StandardCharsets.UTF_8));
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    HubSettings settings(Path cache) {
        return new HubSettings(
                endpoint(),
                cache,
                Optional.of(new Token("hf_secret", "HF_TOKEN")),
                cache.resolve("token"),
                false,
                true);
    }

    HubSettings anonymous(Path cache) {
        return HubSettings.of(
                Map.of("HF_ENDPOINT", endpoint().toString(), "HF_HUB_CACHE", cache.toString()),
                cache.resolve("home"));
    }

    Pulled pull(Path cache) {
        return new Pull(settings(cache), HASTY, PullListener.NONE)
                .run(new RepoId("org/name"), "main");
    }

    static boolean isLfs(String name) {
        return name.endsWith(".safetensors");
    }

    String etag(String name) {
        byte[] bytes = files.get(name);
        try {
            var digest = MessageDigest.getInstance(isLfs(name) ? "SHA-256" : "SHA-1");
            if (!isLfs(name)) {
                digest.update(("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII));
            }
            return HexFormat.of().formatHex(digest.digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /// The requests for content that were made.
    List<Seen> gets(String file) {
        return seen.stream()
                .filter(s -> s.method().equals("GET") && s.file().equals(file))
                .toList();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Seen request = seen(exchange);
            seen.add(request);
            if (fault.answers(exchange, request)) {
                return;
            }
            String path = exchange.getRequestURI().getPath();
            if (path.startsWith("/api/models/")) {
                answerListing(exchange);
            } else if (!files.containsKey(request.file())) {
                exchange.getResponseHeaders().set("X-Error-Code", "EntryNotFound");
                exchange.sendResponseHeaders(404, -1);
            } else if (path.startsWith("/org/name/resolve/")) {
                redirect(exchange, request.file());
            } else {
                answerContent(exchange, request.file());
            }
        }
    }

    private static Seen seen(HttpExchange exchange) {
        String path = exchange.getRequestURI().getPath();
        String host = exchange.getRequestHeaders().getFirst("Host").replaceFirst(":.*", "");
        String file =
                path.startsWith("/api/models/")
                        ? ""
                        : path.replaceFirst("^/(org/name/resolve|small|cdn)/[^/]+/", "");
        return new Seen(
                exchange.getRequestMethod(),
                host,
                file,
                exchange.getRequestHeaders().getFirst("Authorization"),
                exchange.getRequestHeaders().getFirst("Range"));
    }

    private void answerListing(HttpExchange exchange) throws IOException {
        var root = JSON.createObjectNode().put("id", "org/name").put("sha", sha);
        var siblings = root.putArray("siblings");
        files.keySet().forEach(name -> siblings.addObject().put("rfilename", name));
        send(exchange, 200, root.toString().getBytes(StandardCharsets.UTF_8));
    }

    /// Small files lie on the hub itself (a relative redirect), LFS files elsewhere.
    private void redirect(HttpExchange exchange, String file) throws IOException {
        var headers = exchange.getResponseHeaders();
        headers.set("X-Repo-Commit", COMMIT);
        if (isLfs(file)) {
            headers.set("X-Linked-ETag", '"' + etag(file) + '"');
            headers.set("X-Linked-Size", String.valueOf(files.get(file).length));
            int port = server.getAddress().getPort();
            headers.set(
                    "Location",
                    "http://localhost:%d/cdn/x/%s?Signature=secret".formatted(port, file));
            exchange.sendResponseHeaders(302, -1);
        } else {
            headers.set("Location", "/small/x/" + file);
            exchange.sendResponseHeaders(307, -1);
        }
    }

    void answerContent(HttpExchange exchange, String file) throws IOException {
        byte[] bytes = files.get(file);
        var headers = exchange.getResponseHeaders();
        if (exchange.getRequestURI().getPath().startsWith("/small/")) {
            headers.set("X-Repo-Commit", COMMIT);
            headers.set("ETag", "W/\"" + etag(file) + '"');
        }
        int from = from(exchange);
        if (from > 0) {
            headers.set(
                    "Content-Range",
                    "bytes %d-%d/%d".formatted(from, bytes.length - 1, bytes.length));
        }
        send(exchange, from > 0 ? 206 : 200, Arrays.copyOfRange(bytes, from, bytes.length));
    }

    static int from(HttpExchange exchange) {
        String range = exchange.getRequestHeaders().getFirst("Range");
        return range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
    }

    static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD") || body.length == 0) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
            exchange.sendResponseHeaders(status, -1);
            return;
        }
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    /// Promises the rest of a file and breaks the connection after some bytes of it.
    void cut(HttpExchange exchange, String file, int after) throws IOException {
        byte[] bytes = files.get(file);
        int from = from(exchange);
        int rest = bytes.length - from;
        if (from > 0) {
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes %d-%d/%d".formatted(from, bytes.length - 1, rest));
        }
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, rest);
        exchange.getResponseBody().write(bytes, from, Math.min(after, rest - 1));
        exchange.getResponseBody().flush();
    }

    static boolean error(HttpExchange exchange, int status, String code) throws IOException {
        if (!code.isEmpty()) {
            exchange.getResponseHeaders().set("X-Error-Code", code);
        }
        exchange.sendResponseHeaders(status, -1);
        return true;
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
