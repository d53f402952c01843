package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `graft pull` as a process of its own, and what the other commands make of its cache.
@Timeout(120)
final class PullTest {
    private static final String COMMIT = "89abcdef0123456789abcdef0123456789abcdef";

    @TempDir private Path folder;
    private final Map<String, byte[]> files = new TreeMap<>();
    private HttpServer hub;

    @BeforeEach
    void start() throws IOException {
        hub = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        hub.createContext("/", this::answer);
        hub.start();
    }

    @AfterEach
    void stop() {
        hub.stop(0);
    }

    /// The hub of `tiny/stories`; git's hashes for small files and large ones.
    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            var headers = exchange.getResponseHeaders();
            byte[] body = files.get(path.replaceFirst("^/tiny/stories/resolve/[^/]+/", ""));
            if (path.startsWith("/api/models/tiny/stories/")) {
                var root = new ObjectMapper().createObjectNode().put("sha", COMMIT);
                var siblings = root.putArray("siblings");
                files.keySet().forEach(n -> siblings.addObject().put("rfilename", n));
                body = root.toString().getBytes(StandardCharsets.UTF_8);
            } else if (body == null) {
                headers.set("X-Error-Code", "RepoNotFound");
                exchange.sendResponseHeaders(404, -1);
                return;
            } else {
                headers.set("X-Repo-Commit", COMMIT);
                headers.set("ETag", '"' + gitHash(body) + '"');
            }
            if (exchange.getRequestMethod().equals("HEAD")) {
                headers.set("Content-Length", String.valueOf(body.length));
                exchange.sendResponseHeaders(200, -1);
            } else {
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
            }
        }
    }

    private static String gitHash(byte[] bytes) {
        try {
            var digest = MessageDigest.getInstance("SHA-1");
            digest.update(("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII));
            return HexFormat.of().formatHex(digest.digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private void serve(Path model) throws IOException {
        try (Stream<Path> entries = Files.list(model)) {
            for (Path file : entries.filter(Files::isRegularFile).toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
    }

    private Ran graft(Map<String, String> environment, String... args)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("--add-modules=jdk.incubator.vector");
        command.add("-Dorg.bytedeco.javacpp.nopointergc=true");
        command.add("-Dorg.bytedeco.javacpp.logger=slf4j");
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add("dev.graft.app.Main");
        command.addAll(List.of(args));
        Path out = Files.createTempFile(folder, "out", ".txt");
        Path err = Files.createTempFile(folder, "err", ".txt");
        var builder =
                new ProcessBuilder(command)
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile());
        builder.environment().keySet().removeIf(name -> name.contains("HF_"));
        builder.environment().put("HF_HOME", folder.resolve("hf").toString());
        builder.environment().put("HF_ENDPOINT", "http://127.0.0.1:" + hub.getAddress().getPort());
        builder.environment().putAll(environment);
        int code = builder.start().waitFor();
        String errors =
                Files.readString(err)
                        .lines()
                        .filter(line -> !line.startsWith("WARNING: Using incubator"))
                        .map(line -> line + "\n")
                        .reduce("", String::concat);
        return new Ran(code, Files.readString(out), errors);
    }

    @Test
    void modelThatWasPulledIsUsedByItsName() throws Exception {
        serve(Shared.folder("models/stories260K"));
        String[] generate = {
            "generate", "--model", "tiny/stories", "--prompt", "Once", "--max-new-tokens", "3"
        };
        graft(Map.of(), generate)
                .failedWith(2, "--model: tiny/stories", "./graft pull tiny/stories");

        Ran pulled = graft(Map.of(), "pull", "tiny/stories", "--json").succeeded();
        assertThat(pulled.json()).hasSize(1);
        var result = pulled.json().getFirst();
        Path snapshot = folder.resolve("hf/hub/models--tiny--stories/snapshots").resolve(COMMIT);
        assertThat(result.get("path").asText()).isEqualTo(snapshot.toString());
        assertThat(result.get("commit").asText()).isEqualTo(COMMIT);
        try (Stream<Path> entries = Files.list(snapshot)) {
            assertThat(result.get("files").asLong()).isEqualTo(entries.count());
        }
        assertThat(pulled.err()).contains("commit " + COMMIT, "config.json", "model.safetensors");

        assertThat(graft(Map.of("HF_HUB_OFFLINE", "1"), generate).succeeded().out())
                .contains("upon a time");
        Path data = folder.resolve("data.txt");
        Files.writeString(data, "Once upon a time there was a dog.\n\n".repeat(20));
        Ran trained =
                graft(
                        Map.of(),
                        "train",
                        "--model-name-or-path=tiny/stories",
                        "--model-revision=" + COMMIT,
                        "--dataset=" + data,
                        "--output-dir=" + folder.resolve("out"),
                        "--max-length=64",
                        "--max-steps=1");
        assertThat(trained.succeeded().out())
                .contains("--model tiny/stories --model-revision " + COMMIT);
        assertThat(folder.resolve("out/adapter_config.json")).content().contains("tiny/stories");
        graft(
                        Map.of(),
                        "generate",
                        "--adapter=" + folder.resolve("out"),
                        "--prompt=Once",
                        "--max-new-tokens=3")
                .succeeded();
    }

    @Test
    void pullSaysEveryFileAndWhereItIs() throws Exception {
        files.put("adapter_config.json", "{}".getBytes(StandardCharsets.UTF_8));
        files.put("adapter_model.safetensors", new byte[1000]);
        Ran ran = graft(Map.of(), "pull", "tiny/stories", "--revision", "v1").succeeded();
        assertThat(ran.out())
                .contains("2 files", "adapter_config.json", "adapter_model.safetensors")
                .contains("adapter: ", "--adapter tiny/stories");
        assertThat(folder.resolve("hf/hub/models--tiny--stories/refs/v1")).hasContent(COMMIT);
        assertThat(graft(Map.of(), "pull", "tiny/stories").succeeded().out())
                .contains("(was here)");
    }

    @Test
    void refusalsAreOneLine() throws Exception {
        graft(Map.of(), "pull", "tiny/other").failedWith(2, "tiny/other", "no such model");
        graft(Map.of("HF_HUB_OFFLINE", "1"), "pull", "tiny/stories")
                .failedWith(2, "HF_HUB_OFFLINE");
        Ran.of("pull", "a/b/c").failedWith(2, "a/b/c", "expected org/name");
        Ran.of("pull").failedWith(2, "org/name", "graft pull --help");
    }
}
