package dev.graft.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.error.ConfigException;
import dev.graft.export.ModelFolderWriter;
import dev.graft.format.ModelFiles;
import dev.graft.format.SafetensorsFile;
import dev.graft.golden.Golden;
import dev.graft.golden.Golden.Tokens;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLoader;
import dev.graft.nn.Parameter;
import dev.graft.optim.AdamW;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What every adapter promises, whatever it is made of.
///
/// The bases have two layers of H = 32, N·D = 32 (head-dim: 48), K·D = 16 (24); F = 88 and V = 128
/// in llama-tiny, F = 44 and V = 64 in the variants.
class AdapterContractTest {
    private static final int[] IDS = {1, 20, 33, 4, 55, 6, 17, 60};

    @TempDir private Path folder;
    @RegisterExtension final TestScope scope = new TestScope();

    /// An adapter and the number of its parameters, by arithmetic.
    record Case(String name, String base, String keys, long parameters) {
        @Override
        public String toString() {
            return name;
        }

        boolean startsRandom() {
            return name.equals("init false");
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case(
                        "plain",
                        "llama-tiny",
                        "{'target_modules': 'all-linear', 'r': 4, 'lora_alpha': 16}",
                        2 * 4 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 88))),
                new Case(
                        "rslora",
                        "llama-tiny",
                        "{'target_modules': ['q_proj', 'v_proj'], 'r': 9, 'use_rslora': true}",
                        2 * 9 * ((32 + 32) + (32 + 16))),
                new Case(
                        "patterns",
                        "llama-tiny",
                        "{'target_modules': ['q_proj', 'down_proj'], 'r': 4, 'rank_pattern':"
                                + " {'layers.1.mlp.down_proj': 2}, 'alpha_pattern': {'q_proj': 3}}",
                        2 * 4 * (32 + 32) + (4 + 2) * (88 + 32)),
                new Case(
                        "bias all",
                        "variants/bias",
                        "{'target_modules': ['q_proj', 'up_proj'], 'r': 2, 'bias': 'all'}",
                        2 * (2 * ((32 + 32) + (32 + 44)) + (3 * 32 + 2 * 16 + 2 * 44))),
                new Case(
                        "bias lora_only",
                        "variants/bias",
                        "{'target_modules': ['k_proj', 'down_proj'], 'r': 2, 'bias': 'lora_only'}",
                        2 * (2 * ((32 + 16) + (44 + 32)) + (16 + 32))),
                new Case(
                        "biased module saved",
                        "variants/bias",
                        "{'target_modules': ['q_proj'], 'r': 2, 'modules_to_save': ['o_proj']}",
                        2 * (2 * (32 + 32) + 32 * 32 + 32)),
                new Case(
                        "biased module saved, bias all",
                        "variants/bias",
                        "{'target_modules': ['q_proj'], 'r': 2, 'modules_to_save': ['o_proj'],"
                                + " 'bias': 'all'}",
                        2 * (2 * (32 + 32) + 32 * 32 + (3 * 32 + 2 * 16 + 2 * 44))),
                new Case(
                        "head saved",
                        "llama-tiny",
                        "{'target_modules': ['q_proj'], 'r': 4, 'modules_to_save': ['lm_head']}",
                        2 * 4 * (32 + 32) + 128 * 32),
                new Case(
                        "embedding saved",
                        "llama-tiny",
                        "{'target_modules': ['v_proj'], 'r': 4, 'modules_to_save': ['embed_tokens']}",
                        2 * 4 * (32 + 16) + 128 * 32),
                new Case(
                        "norms saved",
                        "llama-tiny",
                        "{'target_modules': ['o_proj'], 'r': 4, 'modules_to_save': ['norm']}",
                        2 * 4 * (32 + 32) + 5 * 32),
                new Case(
                        "one layer",
                        "llama-tiny",
                        "{'target_modules': ['gate_proj', 'k_proj'], 'r': 4,"
                                + " 'layers_to_transform': [1]}",
                        4 * ((32 + 88) + (32 + 16))),
                new Case(
                        "dropout",
                        "llama-tiny",
                        "{'target_modules': 'all-linear', 'r': 2, 'lora_dropout': 0.1}",
                        2 * 2 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 88))),
                new Case(
                        "gaussian",
                        "llama-tiny",
                        "{'target_modules': ['up_proj'], 'r': 4, 'init_lora_weights': 'gaussian'}",
                        2 * 4 * (32 + 88)),
                new Case(
                        "init false",
                        "llama-tiny",
                        "{'target_modules': ['up_proj'], 'r': 4, 'init_lora_weights': false}",
                        2 * 4 * (32 + 88)),
                new Case(
                        "LoRA on the head",
                        "llama-tiny",
                        "{'target_modules': ['lm_head', 'q_proj'], 'r': 4}",
                        4 * (32 + 128) + 2 * 4 * (32 + 32)),
                new Case(
                        "tied",
                        "variants/tied",
                        "{'target_modules': 'all-linear', 'r': 4}",
                        2 * 4 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 44))),
                new Case(
                        "tied, LoRA on the head",
                        "variants/tied",
                        "{'target_modules': ['lm_head', 'q_proj'], 'r': 4}",
                        4 * (32 + 64) + 2 * 4 * (32 + 32)),
                new Case(
                        "tied, head saved",
                        "variants/tied",
                        "{'target_modules': ['q_proj'], 'r': 4, 'modules_to_save': ['lm_head']}",
                        2 * 4 * (32 + 32) + 64 * 32),
                new Case(
                        "tied, embedding saved",
                        "variants/tied",
                        "{'target_modules': ['q_proj'], 'r': 4, 'modules_to_save': ['embed_tokens']}",
                        2 * 4 * (32 + 32) + 64 * 32),
                new Case(
                        "tied, both saved",
                        "variants/tied",
                        "{'target_modules': ['q_proj'], 'r': 4,"
                                + " 'modules_to_save': ['embed_tokens', 'lm_head']}",
                        2 * 4 * (32 + 32) + 2 * 64 * 32),
                new Case(
                        "wide heads",
                        "variants/head-dim",
                        "{'target_modules': ['q_proj', 'v_proj', 'o_proj'], 'r': 4}",
                        2 * 4 * (2 * (32 + 48) + (32 + 24))),
                new Case(
                        "sharded",
                        "variants/sharded",
                        "{'target_modules': 'all-linear', 'r': 4, 'modules_to_save': ['norm']}",
                        2 * 4 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 44)) + 5 * 32),
                new Case(
                        "bf16",
                        "variants/bf16",
                        "{'target_modules': 'all-linear', 'r': 4}",
                        2 * 4 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 44))));
    }

    private LoraConfig config(Case c) throws IOException {
        Path own = Files.createDirectories(folder.resolve("config"));
        return Golden.loraConfig(own, c.keys());
    }

    private static Golden.Model base(Case c) {
        return new Golden.Model(c.base(), DType.F32);
    }

    /// One step large enough to be seen.
    private static double step(Golden.Model model, Adapter adapter) {
        int[] positions = new int[IDS.length];
        Arrays.setAll(positions, i -> i);
        int[] labels = Arrays.copyOfRange(IDS, 1, IDS.length + 1);
        labels[IDS.length - 1] = -1;
        var tokens = new Tokens(IDS, positions, new int[] {0, IDS.length}, labels, IDS.length - 1);
        List<Parameter> parameters = new ArrayList<>(adapter.parameters().values());
        try (var optimizer = new AdamW(parameters, AdamW.Settings.DEFAULT, name -> true)) {
            double loss = model.lossAndGradients(tokens);
            optimizer.step(0.05, 1);
            return loss;
        }
    }

    /// Every byte of the base as it is mapped.
    private static Map<String, byte[]> mapped(Golden.Model model) {
        Map<String, byte[]> bytes = new LinkedHashMap<>();
        for (SafetensorsFile file : model.files.files()) {
            file.tensors()
                    .forEach(
                            (name, info) ->
                                    bytes.put(
                                            name, file.bytes(info).toArray(ValueLayout.JAVA_BYTE)));
        }
        return bytes;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void freshAdapterChangesNoLogit(Case c) throws Exception {
        try (var model = base(c)) {
            Tensor before = model.logits(IDS);
            try (var _ = Adapter.attach(model.transformer, config(c), 7)) {
                assertThat(model.logits(IDS).sameAs(before)).isEqualTo(!c.startsRandom());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainableCountIsTheSumByArithmetic(Case c) throws Exception {
        try (var model = base(c);
                var adapter = Adapter.attach(model.transformer, config(c), 7)) {
            assertThat(adapter.parameterCount()).isEqualTo(c.parameters());
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void oneStepMovesOnlyTheAdapter(Case c) throws Exception {
        try (var model = base(c)) {
            var base = mapped(model);
            Tensor norm = model.transformer.norms().get("model.norm").weight().copy();
            try (var adapter = Adapter.attach(model.transformer, config(c), 7)) {
                Tensor before = model.logits(IDS);
                Map<String, Tensor> values = new LinkedHashMap<>();
                adapter.parameters().forEach((name, p) -> values.put(name, p.value().copy()));
                step(model, adapter);
                assertThat(Golden.maxDifference(model.logits(IDS), before)).isGreaterThan(1e-3);
                // The gradient of A is zero as long as B is.
                adapter.parameters()
                        .forEach(
                                (name, p) ->
                                        assertThat(p.value().sameAs(values.get(name)))
                                                .as(name)
                                                .isEqualTo(
                                                        name.contains("lora_A")
                                                                && !c.startsRandom()));
            }
            var after = mapped(model);
            assertThat(after.keySet()).isEqualTo(base.keySet());
            base.forEach((name, bytes) -> assertThat(after.get(name)).as(name).isEqualTo(bytes));
            assertThat(model.transformer.norms().get("model.norm").weight().sameAs(norm)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void closedAdapterLeavesTheBase(Case c) throws Exception {
        try (var model = base(c)) {
            Tensor before = model.logits(IDS);
            try (var adapter = Adapter.attach(model.transformer, config(c), 7)) {
                step(model, adapter);
                assertThat(model.logits(IDS).sameAs(before)).isFalse();
            }
            assertThat(model.logits(IDS).sameAs(before)).isTrue();
            assertThat(model.transformer.linears().values())
                    .allMatch(linear -> linear.parameters().isEmpty());
            assertThat(model.transformer.norms().values())
                    .allMatch(norm -> norm.parameter() == null);
        }
    }

    @Test
    void secondAdapterOnAModelIsRefusedAndTheFirstStays() throws Exception {
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var first = Adapter.attach(model.transformer, LoraConfig.allLinear(2, 4), 7)) {
            var other = LoraConfig.allLinear(3, 4);
            assertThatThrownBy(() -> Adapter.attach(model.transformer, other, 7))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("q_proj has an adapter already");
            assertThat(model.transformer.linears().get("model.layers.0.mlp.up_proj").lowRank().a())
                    .isSameAs(
                            first.parameters()
                                    .get(
                                            "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void twoRunsOfOneSeedAreEqual(Case c) throws Exception {
        try (var model = base(c)) {
            List<Tensor> logits = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                try (var adapter = Adapter.attach(model.transformer, config(c), 7)) {
                    step(model, adapter);
                    step(model, adapter);
                    logits.add(model.logits(IDS));
                }
            }
            assertThat(logits.get(0).sameAs(logits.get(1))).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void savedAndLoadedItIsTheSameBitByBit(Case c) throws Exception {
        Path saved = folder.resolve("saved");
        try (var model = base(c);
                var adapter = Adapter.attach(model.transformer, config(c), 7)) {
            step(model, adapter);
            PeftFiles.write(adapter, saved);
            Tensor logits = model.logits(IDS);
            try (var other = base(c);
                    var loaded = PeftFiles.load(other.transformer, saved)) {
                assertThat(loaded.parameters().keySet()).isEqualTo(adapter.parameters().keySet());
                adapter.parameters()
                        .forEach(
                                (name, p) ->
                                        assertThat(
                                                        loaded.parameters()
                                                                .get(name)
                                                                .value()
                                                                .sameAs(p.value()))
                                                .as(name)
                                                .isTrue());
                assertThat(loaded.resolution()).isEqualTo(adapter.resolution());
                assertThat(other.logits(IDS).sameAs(logits)).isTrue();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void mergedModelHasTheLogitsOfTheAdapter(Case c) throws Exception {
        Path merged = folder.resolve("merged");
        try (var model = base(c);
                var adapter = Adapter.attach(model.transformer, config(c), 7)) {
            step(model, adapter);
            step(model, adapter);
            Tensor logits = model.logits(IDS);
            new ModelFolderWriter(model.transformer, model.files, DType.F32).write(merged);
            assertThat(model.logits(IDS).sameAs(logits)).isTrue();
            try (var other = new Golden.Model(merged, DType.F32)) {
                assertThat(Golden.maxDifference(other.logits(IDS), logits)).isLessThan(1e-4);
                boolean apart = c.name().startsWith("tied, ");
                boolean tied = c.base().equals("variants/tied") && !apart;
                assertThat(other.transformer.config().tiedEmbeddings()).isEqualTo(tied);
                assertThat(other.files.has("lm_head.weight")).isEqualTo(!tied);
            }
            assertConfigIsThatOfTheBase(c, merged);
        }
    }

    /// Only the type and, where the head was trained apart, the tie may differ.
    private static void assertConfigIsThatOfTheBase(Case c, Path merged) throws IOException {
        var json = new ObjectMapper();
        var before =
                json.readTree(Files.readString(Golden.folder(c.base()).resolve("config.json")));
        var after = json.readTree(Files.readString(merged.resolve("config.json")));
        before.properties()
                .forEach(
                        e -> {
                            if (!e.getKey().equals("tie_word_embeddings")
                                    && !e.getKey().equals("dtype")) {
                                assertThat(after.get(e.getKey()))
                                        .as(e.getKey())
                                        .isEqualTo(e.getValue());
                            }
                        });
        assertThat(after.get("dtype").asText()).isEqualTo("float32");
    }

    @Test
    void modelMergedInTheTypeOfTheBaseIsAsLargeAsTheBase() throws Exception {
        Path merged = folder.resolve("merged");
        try (var model = new Golden.Model("variants/bf16", DType.F32);
                var _ = PeftFiles.load(model.transformer, Golden.folder("variants/bf16/lora"))) {
            Tensor logits = model.logits(IDS);
            new ModelFolderWriter(model.transformer, model.files, null).write(merged);
            try (var other = new Golden.Model(merged, DType.F32)) {
                assertThat(other.transformer.config().storedType()).isEqualTo(DType.BF16);
                for (var file : other.files.files()) {
                    assertThat(file.tensors().values()).allMatch(t -> t.dtype() == DType.BF16);
                }
                assertThat(Golden.relativeDifference(other.logits(IDS), logits)).isLessThan(0.05);
            }
        }
    }

    @Test
    void dropoutActsWhileTrainingOnly() throws Exception {
        var c = cases().filter(x -> x.name().equals("dropout")).findFirst().orElseThrow();
        try (var model = base(c)) {
            double[] losses = new double[2];
            for (int i = 0; i < 2; i++) {
                LoraConfig config = i == 0 ? config(c) : config(c).withDropout(0);
                try (var adapter = Adapter.attach(model.transformer, config, 7)) {
                    losses[i] = step(model, adapter); // B is zero: the loss is that of the base
                    assertThat(model.logits(IDS).sameAs(model.logits(IDS))).isTrue();
                    double second = step(model, adapter);
                    assertThat(second).isLessThan(losses[i]);
                }
            }
            assertThat(losses[0]).isEqualTo(losses[1]);
        }
    }

    /// r · (in + out) = 8 · 8,192 of 4,096².
    @Test
    void rankEightOfALargeMatrixIsFourInAThousand() throws Exception {
        long bytesBefore = Scope.liveBytes();
        largeModel();
        try (var files = ModelFiles.open(folder);
                var model = ModelLoader.load(ModelConfig.read(folder), files, DType.F32)) {
            long whole = files.info("model.layers.0.self_attn.q_proj.weight").elements();
            assertThat(whole).isEqualTo(16_777_216);
            var config = Golden.loraConfig(folder, "{'target_modules': ['q_proj'], 'r': 8}");
            try (var adapter = Adapter.attach(model, config, 7)) {
                assertThat(adapter.parameterCount()).isEqualTo(65_536);
                assertThat(adapter.parameterCount() / (double) whole).isEqualTo(1 / 256.0);
            }
            assertThat(Scope.liveBytes() - bytesBefore).isLessThan(1 << 20);
        }
    }

    /// One layer of H = 4,096 as a file of holes, which takes no disk and is never read.
    private void largeModel() throws IOException {
        Files.writeString(
                folder.resolve("config.json"),
                """
                {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 1,
                 "intermediate_size": 16, "vocab_size": 8, "num_attention_heads": 32,
                 "num_key_value_heads": 1, "tie_word_embeddings": true}
                """);
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("model.embed_tokens", new int[] {8, 4096});
        shapes.put("model.norm", new int[] {4096});
        String layer = "model.layers.0.";
        shapes.put(layer + "input_layernorm", new int[] {4096});
        shapes.put(layer + "post_attention_layernorm", new int[] {4096});
        shapes.put(layer + "self_attn.q_proj", new int[] {4096, 4096});
        shapes.put(layer + "self_attn.k_proj", new int[] {128, 4096});
        shapes.put(layer + "self_attn.v_proj", new int[] {128, 4096});
        shapes.put(layer + "self_attn.o_proj", new int[] {4096, 4096});
        shapes.put(layer + "mlp.gate_proj", new int[] {16, 4096});
        shapes.put(layer + "mlp.up_proj", new int[] {16, 4096});
        shapes.put(layer + "mlp.down_proj", new int[] {4096, 16});
        var header = new StringJoiner(",", "{", "}");
        long end = 0;
        for (var entry : shapes.entrySet()) {
            int[] shape = entry.getValue();
            long bytes = Arrays.stream(shape).asLongStream().reduce(4, (a, b) -> a * b);
            header.add(
                    "\"%s.weight\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                            .formatted(entry.getKey(), Arrays.toString(shape), end, end + bytes));
            end += bytes;
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        var length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, json.length);
        try (var file = new RandomAccessFile(folder.resolve("model.safetensors").toFile(), "rw")) {
            file.write(length.array());
            file.write(json);
            file.setLength(8 + json.length + end);
        }
    }
}
