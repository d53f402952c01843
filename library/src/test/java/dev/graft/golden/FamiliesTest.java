package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.adapter.PeftFiles;
import dev.graft.export.ModelFolderWriter;
import dev.graft.export.QuantizedFolderWriter;
import dev.graft.export.RandomModel;
import dev.graft.format.ModelFiles;
import dev.graft.format.SafetensorsFile;
import dev.graft.golden.Golden.Tokens;
import dev.graft.model.BaseResidency;
import dev.graft.model.FullTuning;
import dev.graft.model.KeyValueCache;
import dev.graft.model.LoadOptions;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.nn.Parameter;
import dev.graft.nn.Tape;
import dev.graft.quant.Quantization;
import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every family and every rotary scaling against Transformers and PEFT
/// (`bench/golden/families.py`).
class FamiliesTest {
    private static final double TOLERANCE = 1e-4;
    private static final int NEW_TOKENS = 32;

    @RegisterExtension final TestScope scope = new TestScope(() -> Golden.DEVICE);

    static List<String> families() throws Exception {
        try (Stream<Path> folders = Files.list(Golden.folder("families"))) {
            return folders.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    private static Path folder(String family) {
        return Golden.folder("families/" + family);
    }

    private static Golden.Model model(String family) {
        return Golden.onDevice(folder(family), DType.F32);
    }

    private static JsonNode expected(String family) {
        return Golden.json("families/" + family + "/expected.json");
    }

    private static SafetensorsFile tensors(String family) {
        return Golden.tensors("families/" + family + "/expected.safetensors");
    }

    private static Offset<Double> relative(double value) {
        return within(Math.abs(value) * TOLERANCE);
    }

    private static void assertLogits(Golden.Model model, String family, String prefix) {
        JsonNode sequences = expected(family).get("sequences");
        try (var file = tensors(family)) {
            for (int i = 0; i < sequences.size(); i++) {
                int[] ids = Golden.ints(sequences.get(i).get("ids"));
                Tensor golden = file.tensor(prefix + i);
                assertThat(Golden.maxDifference(model.logits(ids), golden))
                        .as(prefix + i)
                        .isLessThan(TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void logitsEqualThoseOfTransformers(String family) {
        try (var model = model(family)) {
            assertLogits(model, family, "base.");
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void adapterOfPeftGivesTheSameLogits(String family) {
        try (var model = model(family);
                var _ = PeftFiles.load(model.transformer, folder(family).resolve("lora"))) {
            assertLogits(model, family, "lora.");
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void lossAndEveryLoraGradientEqualThoseOfPeft(String family) {
        JsonNode expected = expected(family);
        var tokens = Tokens.of(expected.get("sequences"));
        try (var model = model(family);
                var adapter = PeftFiles.load(model.transformer, folder(family).resolve("lora"));
                var file = tensors(family)) {
            double golden = expected.get("lora_loss").asDouble();
            assertThat(model.lossAndGradients(tokens)).isCloseTo(golden, relative(golden));
            assertThat(adapter.parameters()).isNotEmpty();
            for (Parameter p : adapter.parameters().values()) {
                assertGradient(p, file.tensor("gradient." + p.name()));
            }
        }
    }

    private static void assertGradient(Parameter p, Tensor golden) {
        try (var _ = Scope.open()) {
            // an expert that no token went to has none
            double largest = golden.abs().max().item();
            assertThat(Golden.maxDifference(p.gradient(), golden) / Math.max(largest, 1e-9))
                    .as(p.name())
                    .isLessThan(TOLERANCE);
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void lossAndGradientsOfFullTuningEqualThoseOfTransformers(String family) {
        JsonNode expected = expected(family);
        JsonNode norms = expected.get("full_gradient_norms");
        try (var model = model(family)) {
            List<Parameter> parameters = FullTuning.attach(model.transformer);
            double golden = expected.get("base_loss").asDouble();
            assertThat(model.lossAndGradients(Tokens.of(expected.get("sequences"))))
                    .isCloseTo(golden, relative(golden));
            int compared = 0;
            for (Parameter p : parameters) {
                String name = p.name().replace("block_sparse_moe.gate", "mlp.gate");
                if (norms.has(name)) { // experts are one tensor there
                    double norm = norms.get(name).asDouble();
                    assertThat(norm(p.gradient())).as(p.name()).isCloseTo(norm, relative(norm));
                    compared++;
                }
            }
            assertThat(compared).isGreaterThan(9);
        }
    }

    private static double norm(Tensor t) {
        try (var _ = Scope.open()) {
            Tensor wide = t.to(DType.F64);
            return Math.sqrt(wide.mul(wide).sum().item());
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void greedyTokensAreThoseOfTransformersWithAndWithoutCache(String family) {
        JsonNode expected = expected(family);
        int[] prompt = Golden.ints(expected.get("prompt"));
        int[] golden = Golden.ints(expected.get("greedy"));
        try (var model = model(family)) {
            assertThat(withoutCache(model, prompt)).containsExactly(golden);
            assertThat(withCache(model, prompt)).containsExactly(golden);
            try (var _ = PeftFiles.load(model.transformer, folder(family).resolve("lora"))) {
                assertThat(withCache(model, prompt))
                        .containsExactly(Golden.ints(expected.get("lora_greedy")));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void textsThatAreContinuedAtOnceGetTheLogitsOfEachAlone(String family) {
        int[] prompt = Golden.ints(expected(family).get("prompt"));
        int[][] prompts = {prompt, Arrays.copyOf(prompt, 1), prompt, Arrays.copyOf(prompt, 2)};
        try (var model = model(family)) {
            assertThat(model.togetherLessAlone(prompts, NEW_TOKENS)).isLessThan(TOLERANCE);
        }
    }

    private static int[] withoutCache(Golden.Model model, int[] prompt) {
        List<Integer> ids = new ArrayList<>();
        for (int id : prompt) {
            ids.add(id);
        }
        for (int i = 0; i < NEW_TOKENS; i++) {
            try (var _ = Scope.open()) {
                Tensor logits = model.logits(ids.stream().mapToInt(x -> x).toArray());
                ids.add(logits.select(0, ids.size() - 1).argmax(0).toInts()[0]);
            }
        }
        return ids.stream().skip(prompt.length).mapToInt(x -> x).toArray();
    }

    private static int[] withCache(Golden.Model model, int[] prompt) {
        int[] found = new int[NEW_TOKENS];
        int capacity = prompt.length + NEW_TOKENS;
        try (var cache = new KeyValueCache(model.transformer, capacity)) {
            int[] ids = prompt;
            for (int i = 0; i < NEW_TOKENS; i++) {
                try (var _ = Scope.open();
                        var tape = Tape.inference(model.workspace)) {
                    Tensor logits = model.transformer.next(tape, ids, cache);
                    found[i] = logits.argmax(1).toInts()[0];
                    ids = new int[] {found[i]};
                }
            }
        }
        return found;
    }

    @ParameterizedTest
    @MethodSource("families")
    void adaptersAndMergesAreWrittenUnderTheNamesOfPeftAndOfTheFiles(
            String family, @TempDir Path written) {
        int[] ids = Golden.ints(expected(family).get("sequences").get(0).get("ids"));
        try (var model = model(family)) {
            Tensor before;
            try (var adapter = PeftFiles.load(model.transformer, folder(family).resolve("lora"))) {
                before = model.logits(ids);
                PeftFiles.write(adapter, written.resolve("lora"));
                new ModelFolderWriter(model.transformer, model.files, null)
                        .write(written.resolve("merged"));
            }
            try (var _ = PeftFiles.load(model.transformer, written.resolve("lora"));
                    var ours =
                            SafetensorsFile.open(
                                    written.resolve("lora/adapter_model.safetensors"));
                    var theirs =
                            SafetensorsFile.open(
                                    folder(family).resolve("lora/adapter_model.safetensors"))) {
                assertThat(ours.tensors().keySet())
                        .containsExactlyInAnyOrderElementsOf(theirs.tensors().keySet());
                assertThat(model.logits(ids).sameAs(before)).isTrue();
            }
            try (var merged = Golden.onDevice(written.resolve("merged"), DType.F32);
                    var base = ModelFiles.open(folder(family))) {
                assertThat(Golden.maxDifference(merged.logits(ids), before)).isLessThan(TOLERANCE);
                assertThat(merged.files.files().getFirst().tensors().keySet())
                        .isEqualTo(base.files().getFirst().tensors().keySet());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void linearMapsAloneAreQuantizedAndTheFolderLoadsAgain(String family, @TempDir Path written) {
        int[] ids = Golden.ints(expected(family).get("sequences").get(0).get("ids"));
        var options =
                new LoadOptions(
                        Quantization.FourBit.DEFAULT,
                        null,
                        BaseResidency.AUTO,
                        Golden.DEVICE,
                        (_, _) -> {});
        try (var model = new Golden.Model(folder(family), DType.F32, options)) {
            for (Linear linear : model.transformer.linears().values()) {
                boolean isPlain =
                        linear == model.transformer.head() || linear.name().endsWith(".gate");
                assertThat(linear.weight())
                        .as(linear.name())
                        .isInstanceOf(
                                isPlain ? FrozenWeight.Dense.class : FrozenWeight.Quantized.class);
            }
            Tensor before = model.logits(ids);
            new QuantizedFolderWriter(model.transformer, model.files)
                    .write(
                            written,
                            new QuantizationConfig(
                                    Quantization.FourBit.DEFAULT, List.of("lm_head")));
            try (var again = Golden.onDevice(written, DType.F32);
                    var _ = PeftFiles.load(again.transformer, folder(family).resolve("lora"))) {
                assertThat(again.lossAndGradients(Tokens.of(expected(family).get("sequences"))))
                        .isFinite();
            }
            try (var again = Golden.onDevice(written, DType.F32)) {
                assertReadAgain(again.logits(ids), before);
            }
        }
    }

    void assertReadAgain(Tensor logits, Tensor before) {
        assertThat(logits.sameAs(before)).isTrue();
    }

    @ParameterizedTest
    @MethodSource("families")
    void randomModelsHaveTheTensorsOfTheFamily(String family, @TempDir Path written) {
        RandomModel.write(folder(family), written, DType.F32, 1);
        try (var model = Golden.onDevice(written, DType.F32)) {
            int[] ids = Golden.ints(expected(family).get("prompt"));
            assertThat(model.logits(ids).allFinite()).isTrue();
        }
    }
}
