package dev.graft.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ConfigException;
import dev.graft.error.GraftException;
import dev.graft.error.ModelFormatException;
import dev.graft.error.TrainingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a hub may refuse, and what a hub may not make us do.
final class HubRefusalTest {
    @TempDir private Path cache;
    private FakeHub hub;

    @BeforeEach
    void start() throws IOException {
        hub = FakeHub.withModel();
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private void assertRefused(Class<? extends GraftException> type, String... parts) {
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(type)
                .hasMessageContainingAll(parts)
                .message()
                .doesNotContain("\n", "hf_secret");
        assertThat(cache).isEmptyDirectory();
    }

    private GraftException anonymously() {
        try {
            new Pull(hub.anonymous(cache), FakeHub.HASTY, PullListener.NONE)
                    .run(new RepoId("org/name"), "main");
        } catch (GraftException e) {
            return e;
        }
        throw new AssertionError("was not refused");
    }

    @Test
    void gatedModelSaysWhereToAcceptTheLicence() {
        hub.fault =
                (exchange, seen) ->
                        !seen.file().isEmpty() && FakeHub.error(exchange, 403, "GatedRepo");
        assertRefused(
                ConfigException.class,
                "gated",
                hub.endpoint() + "/org/name",
                "licence",
                "the token from HF_TOKEN does not open it");
        assertThat(anonymously())
                .hasMessageContainingAll(
                        "gated",
                        "set HF_TOKEN",
                        "HUGGING_FACE_HUB_TOKEN",
                        cache.resolve("home/.cache/huggingface/token").toString());
    }

    @ParameterizedTest
    @CsvSource({
        "401,'',refuses the token",
        "401,RepoNotFound,no such model",
        "403,'',forbidden",
        "404,RepoNotFound,no such model",
        "404,'',no such model",
        "404,RevisionNotFound,no revision 'main'",
        "410,'',answers 410"
    })
    void refusalIsOneLineThatSaysWhatToDo(int status, String code, String part) {
        hub.fault = (exchange, _) -> FakeHub.error(exchange, status, code);
        assertRefused(ConfigException.class, "org/name", part);
    }

    @Test
    void withoutATokenAnUnknownModelMayBeAPrivateOne() {
        hub.fault = (exchange, _) -> FakeHub.error(exchange, 401, "");
        assertThat(anonymously()).hasMessageContainingAll("no such model", "private", "HF_TOKEN");
    }

    @Test
    void fileThatIsListedAndNotThereIsNamed() {
        hub.fault =
                (exchange, seen) ->
                        seen.file().equals("config.json")
                                && FakeHub.error(exchange, 404, "EntryNotFound");
        assertRefused(ModelFormatException.class, "config.json", "main");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../../evil.safetensors",
                "/etc/passwd",
                "a/../../b",
                "a\\..\\b",
                "C:/Windows/x",
                "additional_chat_templates/../../../x.jinja",
                "nul\0byte",
                "line\nbreak",
                "a//b",
                "."
            })
    void hostileFileNamesAreRefusedBeforeAnythingIsWritten(String name) {
        hub.put(name, "x");
        assertRefused(ModelFormatException.class, "expected a plain relative path");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../../x.safetensors",
                "/x.safetensors",
                "sub/x.safetensors",
                "..\\\\x.safetensors",
                "x.bin",
                "absent.safetensors"
            })
    void hostileIndexIsRefusedBeforeAnythingIsWritten(String shard) {
        hub.put("x.bin", "pickle");
        hub.put("sub/x.safetensors", "");
        hub.put("model.safetensors.index.json", "{\"weight_map\": {\"a\": \"" + shard + "\"}}");
        assertRefused(ModelFormatException.class, "model.safetensors.index.json");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../x", "main", "", "0123"})
    void oddCommitsAreRefused(String commit) {
        hub.sha = commit;
        assertRefused(ModelFormatException.class, "40 hexadecimal digits");
    }

    @Test
    void answerForAnotherCommitIsRefused() {
        hub.sha = "f".repeat(40);
        assertRefused(ModelFormatException.class, FakeHub.COMMIT, "f".repeat(40));
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "\"\"", "\"abc\"", "\"ABCDEF\""})
    void oddHashesAreRefused(String etag) {
        linked("X-Linked-ETag", etag);
        assertRefused(ModelFormatException.class, "model-0000", "ETag");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-5", "99999999999999999999", "1e9", "999999999999999999"})
    void absurdSizesAreRefused(String size) {
        linked("X-Linked-Size", size);
        assertRefused(ModelFormatException.class, "model-0000", "bytes");
    }

    @Test
    void modelLargerThanTheDiskIsRefused() {
        linked("X-Linked-Size", String.valueOf(1L << 49));
        assertRefused(TrainingException.class, "HF_HUB_CACHE");
    }

    private void linked(String header, String value) {
        hub.fault =
                (exchange, seen) -> {
                    if (!FakeHub.isLfs(seen.file())) {
                        return false;
                    }
                    var headers = exchange.getResponseHeaders();
                    headers.set("X-Repo-Commit", FakeHub.COMMIT);
                    headers.set("X-Linked-ETag", '"' + "0".repeat(64) + '"');
                    headers.set("X-Linked-Size", "10");
                    headers.set(header, value);
                    headers.set("Location", "http://localhost:1/");
                    exchange.sendResponseHeaders(302, -1);
                    return true;
                };
    }

    @Test
    void listingWithoutEndIsCutOff() {
        hub.fault =
                (exchange, _) -> {
                    exchange.sendResponseHeaders(200, 0);
                    var chunk = new byte[1 << 20];
                    for (int i = 0; i < 40; i++) {
                        exchange.getResponseBody().write(chunk);
                    }
                    return true;
                };
        assertRefused(ModelFormatException.class, "longer than");
    }

    @Test
    void pageOfAnotherServerIsNoListing() {
        hub.fault =
                (exchange, _) -> {
                    FakeHub.send(
                            exchange, 200, "<html>login</html>".getBytes(StandardCharsets.UTF_8));
                    return true;
                };
        assertRefused(ModelFormatException.class, "not JSON", "HF_ENDPOINT");
    }

    @Test
    void redirectsToOtherSchemesAndWithoutEndAreRefused() {
        hub.fault =
                (exchange, _) -> {
                    exchange.getResponseHeaders().set("Location", "file:///etc/passwd");
                    return FakeHub.error(exchange, 302, "");
                };
        assertRefused(ModelFormatException.class, "redirects");
        hub.fault =
                (exchange, _) -> {
                    exchange.getResponseHeaders().set("Location", "/again");
                    return FakeHub.error(exchange, 302, "");
                };
        assertRefused(TrainingException.class, "redirects");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "/main", "", "a\\b"})
    void hostileRevisionsAreRefused(String revision) {
        assertThatThrownBy(
                        () ->
                                new Pull(hub.settings(cache), PullListener.NONE)
                                        .run(new RepoId("org/name"), revision))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("revision");
        assertThat(hub.seen).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/b/c", "../x", "a--b/c", "org/", "/name", "org/na me", "x.git", ""})
    void whatIsNoNameOfAModelIsRefused(String name) {
        assertThatThrownBy(() -> new RepoId(name))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("expected org/name");
    }
}
