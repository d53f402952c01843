package dev.graft.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A pull where nothing goes wrong: what is fetched, from whom, and where it lies.
final class HubPullTest {
    private static final List<String> NEEDED =
            List.of(
                    "additional_chat_templates/tool.jinja",
                    "config.json",
                    "model-00001-of-00002.safetensors",
                    "model-00002-of-00002.safetensors",
                    "model.safetensors.index.json",
                    "tokenizer.json");

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

    private static List<String> filesBelow(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(p -> !Files.isDirectory(p))
                    .map(p -> folder.relativize(p).toString())
                    .sorted()
                    .toList();
        }
    }

    @Test
    void onlyWhatAModelNeedsIsFetched() throws IOException {
        Pulled pulled = hub.pull(cache);
        assertThat(filesBelow(pulled.folder())).isEqualTo(NEEDED);
        for (String name : NEEDED) {
            assertThat(pulled.folder().resolve(name)).hasBinaryContent(hub.files.get(name));
        }
        assertThat(pulled.files()).isEqualTo(NEEDED.size());
        assertThat(pulled.bytes())
                .isEqualTo(NEEDED.stream().mapToLong(n -> hub.files.get(n).length).sum());
        assertThat(pulled.commit()).isEqualTo(FakeHub.COMMIT);
        assertThat(hub.gets("README.md")).isEmpty();
    }

    @Test
    void layoutIsThatOfTheOtherToolsOfTheHub() throws IOException {
        hub.pull(cache);
        Path folder = cache.resolve("models--org--name");
        assertThat(folder.resolve("refs/main")).hasContent(FakeHub.COMMIT);
        assertThat(filesBelow(folder.resolve("blobs")))
                .containsExactlyInAnyOrderElementsOf(NEEDED.stream().map(hub::etag).toList());
        Path snapshot = folder.resolve("snapshots").resolve(FakeHub.COMMIT);
        assertThat(Files.readSymbolicLink(snapshot.resolve("config.json")))
                .hasToString("../../blobs/" + hub.etag("config.json"));
        assertThat(Files.readSymbolicLink(snapshot.resolve("additional_chat_templates/tool.jinja")))
                .hasToString("../../../blobs/" + hub.etag("additional_chat_templates/tool.jinja"));
        assertThat(filesBelow(cache.resolve(".locks/models--org--name")))
                .allMatch(name -> name.endsWith(".lock"));
        assertThat(cache.resolve("CACHEDIR.TAG")).exists();
        assertThat(filesBelow(cache)).noneMatch(name -> name.endsWith(".tmp"));
    }

    @Test
    void tokenGoesToTheHubAndToNoOtherHost() {
        hub.pull(cache);
        assertThat(hub.seen)
                .filteredOn(s -> s.host().equals("localhost"))
                .hasSize(2)
                .allMatch(s -> s.authorization() == null);
        assertThat(hub.seen)
                .filteredOn(s -> s.host().equals("127.0.0.1"))
                .allMatch(s -> "Bearer hf_secret".equals(s.authorization()));
    }

    @Test
    void secondPullFetchesNoContent() {
        hub.pull(cache);
        hub.seen.clear();
        List<String> there = new ArrayList<>();
        var listener =
                new PullListener() {
                    @Override
                    public void finished(RemoteFile file, boolean fetched) {
                        assertThat(fetched).isFalse();
                        there.add(file.name());
                    }
                };
        new Pull(hub.settings(cache), FakeHub.HASTY, listener)
                .run(new RepoId("org/name"), FakeHub.COMMIT);
        assertThat(there).containsExactlyInAnyOrderElementsOf(NEEDED);
        assertThat(hub.seen).noneMatch(s -> s.host().equals("localhost"));
    }

    @Test
    void progressAddsUpToTheSizes() {
        Map<String, Long> last = new HashMap<>();
        List<RemoteFile> planned = new ArrayList<>();
        var listener =
                new PullListener() {
                    @Override
                    public void planned(String commit, List<RemoteFile> files) {
                        planned.addAll(files);
                    }

                    @Override
                    public void progress(RemoteFile file, long bytes) {
                        assertThat(bytes)
                                .isGreaterThanOrEqualTo(last.getOrDefault(file.name(), 0L));
                        last.put(file.name(), bytes);
                    }
                };
        new Pull(hub.settings(cache), FakeHub.HASTY, listener)
                .run(new RepoId("org/name"), "refs/pr/3");
        assertThat(planned).hasSize(NEEDED.size());
        planned.forEach(f -> assertThat(last).containsEntry(f.name(), f.size()));
        assertThat(cache.resolve("models--org--name/refs/refs/pr/3")).hasContent(FakeHub.COMMIT);
    }

    @Test
    void whereLinksAreRefusedTheSnapshotHoldsTheFiles() {
        HubSettings linked = hub.settings(cache);
        var settings =
                new HubSettings(
                        linked.endpoint(), cache, linked.token(), linked.tokenFile(), false, false);
        Pulled pulled =
                new Pull(settings, FakeHub.HASTY, PullListener.NONE)
                        .run(new RepoId("org/name"), "main");
        for (String name : NEEDED) {
            Path file = pulled.folder().resolve(name);
            assertThat(Files.isSymbolicLink(file)).isFalse();
            assertThat(file).hasBinaryContent(hub.files.get(name));
        }
    }

    @Test
    void adaptersCanBePulled() throws IOException {
        hub.files.clear();
        hub.put("adapter_config.json", "{}");
        hub.files.put("adapter_model.safetensors", FakeHub.bytes(1000, 3));
        hub.put("training_args.bin", "no");
        assertThat(filesBelow(hub.pull(cache).folder()))
                .containsExactly("adapter_config.json", "adapter_model.safetensors");
    }

    @Test
    void weightsThatAreProgramsAreRefused() {
        hub.files.clear();
        hub.put("config.json", "{}");
        hub.put("pytorch_model.bin", "pickle");
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(ConfigException.class)
                .hasMessageContainingAll("org/name", "pytorch_model.bin", "pickle", "safetensors");
        assertThat(cache).isEmptyDirectory();
    }

    @Test
    void conversionsForOtherProgramsAreRefused() {
        hub.files.clear();
        hub.put("model-Q4.gguf", "no");
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(ConfigException.class)
                .hasMessageContainingAll("model-Q4.gguf", "expected config.json");
    }

    @Test
    void offlineNothingIsAsked() {
        HubSettings settings =
                HubSettings.of(
                        Map.of(
                                "HF_HUB_OFFLINE", "1",
                                "HF_ENDPOINT", hub.endpoint().toString(),
                                "HF_HUB_CACHE", cache.toString()),
                        cache);
        assertThatThrownBy(
                        () ->
                                new Pull(settings, PullListener.NONE)
                                        .run(new RepoId("org/name"), "main"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContainingAll("HF_HUB_OFFLINE", "org/name");
        assertThat(hub.seen).isEmpty();
    }
}
