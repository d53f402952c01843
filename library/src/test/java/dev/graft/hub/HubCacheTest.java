package dev.graft.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Models by name from the cache, and where the cache and the token are.
final class HubCacheTest {
    private static final String KEY = "model_name_or_path";

    @TempDir private Path home;

    private CachedModels models() {
        return new CachedModels(home.resolve("hub"));
    }

    private Pulled pull(FakeHub hub, String revision) {
        return new Pull(hub.settings(home.resolve("hub")), FakeHub.HASTY, PullListener.NONE)
                .run(new RepoId("org/name"), revision);
    }

    @Test
    void nameMeansTheSnapshotOfItsRevision() throws IOException {
        try (var hub = FakeHub.withModel()) {
            Path folder = pull(hub, "main").folder();
            assertThat(models().folder(KEY, "org/name", "main")).isEqualTo(folder);
            assertThat(models().folder(KEY, "org/name", FakeHub.COMMIT)).isEqualTo(folder);
            assertThatThrownBy(() -> models().folder(KEY, "org/name", "v2"))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContainingAll("v2", "./graft pull org/name --revision v2");
            pull(hub, "v2");
            assertThat(models().folder(KEY, "org/name", "v2")).isEqualTo(folder);
        }
    }

    @Test
    void nameThatIsNotThereSaysHowToFetchIt() {
        assertThatThrownBy(() -> models().folder(KEY, "org/name", "main"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContainingAll(
                        KEY, "org/name", home.resolve("hub").toString(), "./graft pull org/name");
    }

    @Test
    void snapshotThatIsNotWholeIsRefused() throws IOException {
        try (var hub = FakeHub.withModel()) {
            Path folder = pull(hub, "main").folder();
            Files.delete(folder.resolve("model-00002-of-00002.safetensors"));
            assertThatThrownBy(() -> models().folder(KEY, "org/name", "main"))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContainingAll(
                            "not whole",
                            "model-00002-of-00002.safetensors",
                            "./graft pull org/name");
            pull(hub, "main");
            assertThat(models().folder(KEY, "org/name", "main")).isEqualTo(folder);
            // A link whose blob is gone is as good as none.
            Files.delete(folder.resolve("config.json").toRealPath());
            assertThatThrownBy(() -> models().folder(KEY, "org/name", "main"))
                    .hasMessageContaining("config.json");
        }
    }

    @Test
    void refThatHoldsAPathIsRefused() throws IOException {
        Path ref = home.resolve("hub/models--org--name/refs/main");
        Files.createDirectories(ref.getParent());
        Files.writeString(ref, "../../../../etc");
        assertThatThrownBy(() -> models().folder(KEY, "org/name", "main"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("40 hexadecimal digits");
    }

    @Test
    void pathsStayPaths() throws IOException {
        Path folder = Files.createDirectories(home.resolve("org/name"));
        assertThat(models().folder(KEY, folder.toString(), "main")).isEqualTo(folder);
        assertThat(models().folder(KEY, "a/b/c", "main")).isEqualTo(Path.of("a/b/c"));
        assertThat(models().folder(KEY, "nothing", "main")).isEqualTo(Path.of("nothing"));
    }

    @Test
    void cacheIsWhereTheVariablesSay() {
        assertThat(cache(Map.of())).isEqualTo(home.resolve(".cache/huggingface/hub"));
        assertThat(cache(Map.of("XDG_CACHE_HOME", "/x"))).hasToString("/x/huggingface/hub");
        assertThat(cache(Map.of("XDG_CACHE_HOME", "/x", "HF_HOME", "/h"))).hasToString("/h/hub");
        assertThat(cache(Map.of("HF_HOME", "/h", "HUGGINGFACE_HUB_CACHE", "/c"))).hasToString("/c");
        assertThat(cache(Map.of("HF_HUB_CACHE", "~/d", "HUGGINGFACE_HUB_CACHE", "/c")))
                .isEqualTo(home.resolve("d"));
        assertThat(cache(Map.of("HF_HUB_CACHE", "$DATA/hub", "DATA", "/data")))
                .hasToString("/data/hub");
        assertThat(cache(Map.of("HF_HUB_CACHE", ""))).isEqualTo(cache(Map.of()));
    }

    private Path cache(Map<String, String> variables) {
        assertThat(CachedModels.of(variables, home).cache())
                .isEqualTo(HubSettings.of(variables, home).cache());
        return HubSettings.of(variables, home).cache();
    }

    @Test
    void tokenComesFromTheUsualPlaces() throws IOException {
        assertThat(token(Map.of())).isEmpty();
        Path file = home.resolve(".cache/huggingface/token");
        Files.createDirectories(file.getParent());
        Files.writeString(file, "hf_file\n");
        assertThat(token(Map.of())).isEqualTo("hf_file");
        assertThat(token(Map.of("HF_TOKEN_PATH", home.resolve("no").toString()))).isEmpty();
        assertThat(token(Map.of("HUGGING_FACE_HUB_TOKEN", "hf_old"))).isEqualTo("hf_old");
        assertThat(token(Map.of("HUGGING_FACE_HUB_TOKEN", "hf_old", "HF_TOKEN", " hf_new ")))
                .isEqualTo("hf_new");
        assertThat(token(Map.of("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"))).isEmpty();
    }

    private String token(Map<String, String> variables) {
        return HubSettings.of(variables, home).token().map(Token::value).orElse("");
    }

    @Test
    void tokensAreNeverPrinted() {
        assertThat(HubSettings.of(Map.of("HF_TOKEN", "hf_secret"), home).toString())
                .doesNotContain("hf_secret");
        assertThatThrownBy(() -> HubSettings.of(Map.of("HF_TOKEN", "hf_se cret"), home))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("HF_TOKEN")
                .message()
                .doesNotContain("cret");
    }

    @Test
    void endpointHasToBeAnAddress() {
        assertThat(HubSettings.of(Map.of("HF_ENDPOINT", "https://hf-mirror.com/"), home).endpoint())
                .hasToString("https://hf-mirror.com");
        for (String wrong : new String[] {"huggingface.co", "ftp://x", "https://", "a b"}) {
            assertThatThrownBy(() -> HubSettings.of(Map.of("HF_ENDPOINT", wrong), home))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContainingAll("HF_ENDPOINT", wrong);
        }
    }
}
