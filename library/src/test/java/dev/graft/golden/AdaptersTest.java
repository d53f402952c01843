package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.adapter.Adapter;
import dev.graft.adapter.PeftFiles;
import dev.graft.error.ModelFormatException;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.format.SafetensorsWriter.Entry;
import dev.graft.nn.Parameter;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Adapter folders that PEFT wrote with every setting that Graft reads.
class AdaptersTest {
    private static final double TOLERANCE = 1e-4;
    private static final JsonNode EXPECTED = Golden.json("adapters/expected.json").get("adapters");
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final String A =
            "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
    private static final String B =
            "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight";

    @RegisterExtension final TestScope scope = new TestScope(() -> Golden.DEVICE);

    /// An adapter of the golden folder, by name.
    record Case(String name, JsonNode expected) {
        Path folder() {
            return Golden.folder("adapters/" + name);
        }

        Golden.Model base() {
            return Golden.onDevice(expected.get("base").asText(), DType.F32);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> adapters() {
        return StreamSupport.stream(EXPECTED.spliterator(), false)
                .map(node -> new Case(node.get("name").asText(), node));
    }

    @Test
    void everyFolderIsACase() throws Exception {
        try (Stream<Path> folders = Files.list(Golden.folder("adapters"))) {
            assertThat(folders.filter(Files::isDirectory).map(f -> f.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(adapters().map(Case::name).toList());
        }
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void logitsEqualThoseOfPeft(Case c) {
        int[] ids = Golden.ints(c.expected().get("ids"));
        try (var model = c.base();
                var file = Golden.tensors("adapters/expected.safetensors")) {
            Tensor base = model.logits(ids);
            try (var _ = PeftFiles.load(model.transformer, c.folder())) {
                Tensor logits = model.logits(ids);
                assertThat(Golden.maxDifference(logits, file.tensor(c.name())))
                        .isLessThan(TOLERANCE);
                assertThat(Golden.maxDifference(logits, base))
                        .isCloseTo(
                                c.expected().get("max_difference_from_base").asDouble(),
                                within(TOLERANCE));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void trainedTensorsAreThoseOfPeft(Case c) {
        Map<String, List<Long>> expected = new TreeMap<>();
        c.expected()
                .get("trainable")
                .properties()
                .forEach(
                        e ->
                                expected.put(
                                        e.getKey(),
                                        Arrays.stream(Golden.ints(e.getValue()))
                                                .mapToObj(Long::valueOf)
                                                .toList()));
        try (var model = c.base();
                var adapter = PeftFiles.load(model.transformer, c.folder())) {
            Map<String, List<Long>> shapes = new TreeMap<>();
            adapter.parameters()
                    .forEach(
                            (name, p) ->
                                    shapes.put(
                                            name,
                                            Arrays.stream(p.value().shape()).boxed().toList()));
            assertThat(shapes).isEqualTo(expected);
            assertThat(adapter.parameterCount())
                    .isEqualTo(c.expected().get("trainable_parameters").asLong());
        }
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void writtenAgainItIsTheSame(Case c, @TempDir Path folder) {
        try (var model = c.base();
                var adapter = PeftFiles.load(model.transformer, c.folder())) {
            PeftFiles.write(adapter, folder);
            assertThat(PeftFiles.readConfig(folder)).isEqualTo(adapter.config());
            assertThat(PeftFiles.readConfig(folder)).isEqualTo(PeftFiles.readConfig(c.folder()));
            try (var before = SafetensorsFile.open(c.folder().resolve(WEIGHTS));
                    var after = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
                assertThat(after.tensors().keySet()).isEqualTo(before.tensors().keySet());
                for (String name : before.tensors().keySet()) {
                    assertThat(bits(after, name)).as(name).isEqualTo(bits(before, name));
                }
                assertThat(after.metadata()).containsEntry("format", "pt");
            }
        }
    }

    private static byte[] bits(SafetensorsFile file, String name) {
        return file.bytes(file.tensors().get(name)).toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void sixteenBitAdaptersAreWidened(@TempDir Path folder) throws Exception {
        rewrite(
                "attention-only",
                folder,
                entries ->
                        entries.replaceAll(
                                e -> new Entry(e.name(), DType.BF16, e.shape(), e.source())));
        try (var model = Golden.onDevice("llama-tiny", DType.F32);
                var adapter = PeftFiles.load(model.transformer, folder);
                var file = Golden.tensors("adapters/attention-only/" + WEIGHTS)) {
            for (Parameter p : adapter.parameters().values()) {
                assertThat(p.value().dtype()).isEqualTo(DType.F32);
                Tensor rounded = file.tensor(p.name()).to(DType.BF16).to(DType.F32);
                assertThat(p.value().to(Device.CPU).sameAs(rounded)).isTrue();
            }
        }
    }

    /// Copies an adapter with another list of tensors.
    private static void rewrite(String name, Path folder, Consumer<List<Entry>> change)
            throws Exception {
        Path source = Golden.folder("adapters/" + name);
        Files.copy(
                source.resolve("adapter_config.json"),
                folder.resolve("adapter_config.json"),
                StandardCopyOption.REPLACE_EXISTING);
        try (var file = SafetensorsFile.open(source.resolve(WEIGHTS))) {
            List<Entry> entries = new ArrayList<>();
            file.tensors().keySet().forEach(n -> entries.add(Entry.of(n, file.tensor(n))));
            change.accept(entries);
            SafetensorsWriter.write(folder.resolve(WEIGHTS), entries, Map.of());
        }
    }

    private static void assertRefused(String base, Path folder, String... parts) {
        try (var model = Golden.onDevice(base, DType.F32)) {
            int[] ids = {1, 5, 9};
            Tensor before = model.logits(ids);
            assertThatThrownBy(() -> PeftFiles.load(model.transformer, folder))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining(folder.resolve(WEIGHTS).toString())
                    .hasMessageContainingAll(parts)
                    .hasMessageNotContaining("\n");
            assertThat(model.logits(ids).sameAs(before)).isTrue();
        }
    }

    @Test
    void missingTensorIsAnErrorWithTheNearestName(@TempDir Path folder) throws Exception {
        rewrite(
                "attention-only",
                folder,
                entries -> entries.replaceAll(e -> e.name().equals(A) ? renamed(e, A + "s") : e));
        assertRefused("llama-tiny", folder, "missing 1: " + A, "not used 1: " + A + "s");
        rewrite("attention-only", folder, entries -> entries.removeIf(e -> e.name().equals(B)));
        assertRefused("llama-tiny", folder, "missing 1: " + B);
    }

    private static Entry renamed(Entry e, String name) {
        return new Entry(name, e.dtype(), e.shape(), e.source());
    }

    @Test
    void superfluousTensorIsAnErrorWithTheNearestName(@TempDir Path folder) throws Exception {
        String extra = A.replace("q_proj", "k_proj");
        rewrite(
                "attention-only",
                folder,
                entries -> entries.add(renamed(entries.getFirst(), extra)));
        assertRefused("llama-tiny", folder, "not used 1: " + extra, "nearest: ");
    }

    /// PEFT saves table and head of the base too where one of them is a target.
    @Test
    void copiesOfTheBasesHeadAndTableArePassedOver(@TempDir Path folder) throws Exception {
        try (var model = Golden.onDevice("llama-tiny", DType.F32)) {
            rewrite(
                    "attention-only",
                    folder,
                    entries -> {
                        entries.add(copy("lm_head.base_layer.weight", model, "lm_head.weight", 1));
                        String table = "model.embed_tokens.weight";
                        entries.add(copy(table, model, table, 1));
                    });
            try (var adapter = PeftFiles.load(model.transformer, folder)) {
                assertThat(adapter.parameters()).hasSize(8);
            }
            rewrite(
                    "attention-only",
                    folder,
                    entries -> entries.add(copy("lm_head.weight", model, "lm_head.weight", 2)));
        }
        assertRefused("llama-tiny", folder, "lm_head.weight", "is not that of the base");
    }

    private static Entry copy(String name, Golden.Model model, String source, double factor) {
        return Entry.of("base_model.model." + name, model.files.tensor(source).mul(factor));
    }

    @Test
    void pickledAdaptersAreRefusedWithWhatToDo(@TempDir Path folder) throws Exception {
        Path source = Golden.folder("adapters/attention-only");
        Files.copy(source.resolve("adapter_config.json"), folder.resolve("adapter_config.json"));
        Files.writeString(folder.resolve("adapter_model.bin"), "");
        try (var model = Golden.onDevice("llama-tiny", DType.F32)) {
            assertThatThrownBy(() -> PeftFiles.load(model.transformer, folder))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("save it again with save_pretrained");
        }
    }

    @Test
    void keysOfAnotherPrefixAreAnErrorThatShowsBoth(@TempDir Path folder) throws Exception {
        rewrite(
                "attention-only",
                folder,
                entries ->
                        entries.replaceAll(
                                e -> renamed(e, e.name().replace("base_model.model.", ""))));
        assertRefused("llama-tiny", folder, "missing 8: " + A, "nearest: ", "not used 8: ");
    }

    @Test
    void anotherRankIsAnErrorThatNamesTensorAndShapes(@TempDir Path folder) throws Exception {
        rewrite("attention-only", folder, entries -> {});
        Path config = folder.resolve("adapter_config.json");
        String text = Files.readString(config);
        assertThat(text).contains("\"r\": 4");
        Files.writeString(config, text.replace("\"r\": 4", "\"r\": 5"));
        assertRefused("llama-tiny", folder, A, "[4, 32]", "[5, 32]", "rank");
    }

    @Test
    void adapterOfAnotherBaseIsRefused() {
        Path adapter = Golden.folder("llama-tiny-lora");
        assertRefused(
                "variants/tied", adapter, "base model", "mlp.gate_proj.lora_B", "[88, ", "[44, ");
    }

    @Test
    void adapterOfABaseWithMoreLayersIsRefused(@TempDir Path folder) throws Exception {
        Path source = Golden.folder("llama-tiny");
        String config = Files.readString(source.resolve("config.json"));
        Files.writeString(
                folder.resolve("config.json"),
                config.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1"));
        Files.copy(source.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        Path adapter = Golden.folder("llama-tiny-lora");
        try (var model = Golden.onDevice(folder, DType.F32)) {
            assertThatThrownBy(() -> PeftFiles.load(model.transformer, adapter))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContainingAll("not used 14: ", "layers.1.", "base model");
        }
    }

    @Test
    void closingTheAdapterTwiceIsHarmless() {
        try (var model = Golden.onDevice("llama-tiny", DType.F32)) {
            Adapter adapter = PeftFiles.load(model.transformer, Golden.folder("llama-tiny-lora"));
            adapter.close();
            adapter.close();
            assertThat(model.transformer.linears().values()).allMatch(l -> l.lowRank() == null);
        }
    }
}
