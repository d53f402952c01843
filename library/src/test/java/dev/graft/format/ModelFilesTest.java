package dev.graft.format;

import static dev.graft.format.BadFile.assertBad;
import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.golden.Golden;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLoader;
import dev.graft.tensor.DType;
import dev.graft.tensor.TestScope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Folders of safetensors files, whole and damaged.
class ModelFilesTest {
    private static final String INDEX = "model.safetensors.index.json";

    @TempDir private Path folder;
    @RegisterExtension final TestScope scope = new TestScope();

    /// A folder of the sharded golden model that a test may damage.
    private Path sharded() throws IOException {
        Path source = Golden.folder("variants/sharded");
        for (String name :
                List.of(
                        INDEX,
                        "config.json",
                        "model-00001-of-00003.safetensors",
                        "model-00002-of-00003.safetensors",
                        "model-00003-of-00003.safetensors")) {
            Files.copy(source.resolve(name), folder.resolve(name));
        }
        return folder;
    }

    private void index(String from, String to) throws IOException {
        Path index = folder.resolve(INDEX);
        String text = Files.readString(index);
        assertThat(text).contains(from);
        Files.writeString(index, text.replace(from, to));
    }

    private static void openModel(Path folder) {
        try (var files = ModelFiles.open(folder)) {
            ModelLoader.load(ModelConfig.read(folder), files, DType.F32).close();
        }
    }

    @Test
    void shardsAreFoundFromAnyWorkingFolder() throws Exception {
        openModel(sharded());
        Path here = Path.of("").toAbsolutePath();
        openModel(here.relativize(folder.toAbsolutePath()));
        openModel(folder.resolve("..").resolve(folder.getFileName()));
        openModel(folder.resolve("."));
    }

    @Test
    void modelWhoseDataIsNotAlignedComputesTheSame() throws Exception {
        Path source = Golden.folder("llama-tiny");
        Files.copy(source.resolve("config.json"), folder.resolve("config.json"));
        var whole =
                ByteBuffer.wrap(Files.readAllBytes(source.resolve("model.safetensors")))
                        .order(ByteOrder.LITTLE_ENDIAN);
        int header = (int) whole.getLong();
        var moved = ByteBuffer.allocate(whole.capacity() + 1).order(ByteOrder.LITTLE_ENDIAN);
        moved.putLong(header + 1).put(whole.slice(8, header)).put((byte) ' ');
        moved.put(whole.slice(8 + header, whole.capacity() - 8 - header));
        Files.write(folder.resolve("model.safetensors"), moved.array());
        int[] ids = {1, 20, 3, 77};
        try (var aligned = new Golden.Model("llama-tiny", DType.F32);
                var model = new Golden.Model(folder, DType.F32)) {
            assertThat(Golden.maxDifference(model.logits(ids), aligned.logits(ids)))
                    .isLessThan(1e-5);
        }
    }

    @Test
    void missingShardIsNamed() throws Exception {
        sharded();
        Files.delete(folder.resolve("model-00002-of-00003.safetensors"));
        assertBad(() -> openModel(folder), folder, "model-00002-of-00003.safetensors");
    }

    @Test
    void tensorInTwoShardsIsRefused() throws Exception {
        sharded();
        Files.copy(
                folder.resolve("model-00001-of-00003.safetensors"),
                folder.resolve("model-00002-of-00003.safetensors"),
                StandardCopyOption.REPLACE_EXISTING);
        assertBad(
                () -> openModel(folder),
                "model-00001-of-00003.safetensors",
                "model-00002-of-00003.safetensors",
                "in one shard");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x.safetensors", "/etc/hostname", "a/b.safetensors", "..", "", "."})
    void shardOutsideTheFolderIsRefused(String shard) throws Exception {
        sharded();
        index("model-00002-of-00003.safetensors", shard);
        assertBad(() -> openModel(folder), INDEX, "outside");
    }

    @Test
    void indexThatNamesATensorThatIsNotThereIsRefused() throws Exception {
        sharded();
        index("\"model.norm.weight\"", "\"model.norm.wait\"");
        assertBad(() -> openModel(folder), INDEX, "model.norm.wait");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "{}", "[]", "{\"weight_map\": {}}", "{\"weight_map\": 3}", "{", "null"})
    void indexWithoutAMapIsRefused(String text) throws Exception {
        sharded();
        Files.writeString(folder.resolve(INDEX), text);
        assertBad(() -> openModel(folder), INDEX);
    }

    @ParameterizedTest
    @ValueSource(strings = {"3", "null", "{\"a\": 1}"})
    void shardThatIsNoNameIsRefused(String value) throws Exception {
        Files.writeString(
                sharded().resolve(INDEX), "{\"weight_map\": {\"t\": %s}}".formatted(value));
        assertBad(() -> openModel(folder), INDEX, "t");
    }

    @Test
    void folderWithoutWeightsSaysWhatIsThere() throws Exception {
        Files.writeString(folder.resolve("pytorch_model.bin"), "");
        assertBad(() -> openModel(folder), folder, "pytorch_model.bin");
    }

    @ParameterizedTest
    @CsvSource({
        "hidden_size, model.embed_tokens.weight",
        "vocab_size, model.embed_tokens.weight",
        "intermediate_size, model.layers.0.mlp.gate_proj.weight",
        "num_hidden_layers, model.layers.2.input_layernorm.weight",
        "head_dim, model.layers.0.self_attn.q_proj.weight"
    })
    void configOfAnotherModelIsRefusedByTensor(String key, String tensor) throws Exception {
        Path source = Golden.folder("llama-tiny");
        Files.copy(source.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        String config = Files.readString(source.resolve("config.json"));
        String changed = config.replaceFirst("(\"%s\": )\\d+".formatted(key), "$164");
        changed = changed.replace("\"num_hidden_layers\": 64", "\"num_hidden_layers\": 3");
        assertThat(changed).isNotEqualTo(config);
        Files.writeString(folder.resolve("config.json"), changed);
        assertBad(() -> openModel(folder), folder, tensor);
    }

    @Test
    void tensorOfIntegersIsNoWeight() throws Exception {
        Path source = Golden.folder("llama-tiny");
        Files.copy(source.resolve("config.json"), folder.resolve("config.json"));
        try (var file = SafetensorsFile.open(source.resolve("model.safetensors"))) {
            List<SafetensorsWriter.Entry> entries =
                    file.tensors().values().stream()
                            .map(
                                    t ->
                                            new SafetensorsWriter.Entry(
                                                    t.name(),
                                                    t.name().contains("1.mlp.up")
                                                            ? DType.I8
                                                            : t.dtype(),
                                                    t.shape(),
                                                    () -> file.tensor(t.name())))
                            .toList();
            SafetensorsWriter.write(folder.resolve("model.safetensors"), entries, Map.of());
        }
        assertBad(
                () -> openModel(folder),
                "model.safetensors",
                "model.layers.1.mlp.up_proj.weight",
                "I8");
    }
}
