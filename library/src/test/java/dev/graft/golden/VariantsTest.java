package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.adapter.PeftFiles;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.TensorInfo;
import dev.graft.golden.Golden.Tokens;
import dev.graft.model.FullTuning;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.nn.Parameter;
import dev.graft.nn.Workspace;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the spellings of a Llama can be (tied, biased, 16-bit, sharded, …), each against
/// Transformers and PEFT.
class VariantsTest {
    private static final double TOLERANCE = 1e-4;

    @RegisterExtension final TestScope scope = new TestScope(() -> Golden.DEVICE);

    static Stream<String> variants() throws Exception {
        try (Stream<Path> folders = Files.list(Golden.folder("variants"))) {
            return folders.map(f -> f.getFileName().toString()).sorted().toList().stream();
        }
    }

    private static JsonNode expected(String variant) {
        return Golden.json("variants/" + variant + "/expected.json");
    }

    private static SafetensorsFile tensors(String variant) {
        return Golden.tensors("variants/" + variant + "/expected.safetensors");
    }

    private static Golden.Model model(String variant) {
        return Golden.onDevice("variants/" + variant, DType.F32);
    }

    private static Path lora(String variant) {
        return Golden.folder("variants/" + variant + "/lora");
    }

    private static Offset<Double> relative(double value) {
        return within(Math.abs(value) * TOLERANCE);
    }

    private static void assertLogits(
            Golden.Model model, JsonNode sequences, SafetensorsFile file, String prefix) {
        for (int i = 0; i < sequences.size(); i++) {
            int[] ids = Golden.ints(sequences.get(i).get("ids"));
            assertThat(Golden.maxDifference(model.logits(ids), file.tensor(prefix + i)))
                    .as(prefix + i)
                    .isLessThan(TOLERANCE);
        }
    }

    @Test
    void everyVariantIsThere() throws Exception {
        assertThat(variants())
                .containsExactly(
                        "bf16", "bias", "fp16", "head-dim", "linear-rope", "sharded", "tied");
    }

    @ParameterizedTest
    @MethodSource("variants")
    void logitsOfTheBaseEqualThoseOfTransformers(String variant) {
        try (var model = model(variant);
                var file = tensors(variant)) {
            assertLogits(model, expected(variant).get("sequences"), file, "base.");
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void adapterOfPeftGivesTheSameLogits(String variant) {
        try (var model = model(variant);
                var _ = PeftFiles.load(model.transformer, lora(variant));
                var file = tensors(variant)) {
            assertLogits(model, expected(variant).get("sequences"), file, "lora.");
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void lossAndEveryLoraGradientEqualThoseOfPeft(String variant) {
        JsonNode expected = expected(variant);
        try (var model = model(variant);
                var adapter = PeftFiles.load(model.transformer, lora(variant));
                var file = tensors(variant)) {
            var tokens = Tokens.of(expected.get("sequences"));
            assertThat(tokens.trained()).isEqualTo(expected.get("trained_tokens").asInt());
            double golden = expected.get("lora_loss").asDouble();
            assertThat(model.lossAndGradients(tokens)).isCloseTo(golden, relative(golden));
            long count =
                    file.tensors().keySet().stream().filter(n -> n.startsWith("gradient.")).count();
            assertThat((long) adapter.parameters().size()).isEqualTo(count);
            for (Parameter p : adapter.parameters().values()) {
                Tensor gradient = file.tensor("gradient." + p.name());
                assertThat(Golden.relativeDifference(p.gradient(), gradient))
                        .as(p.name())
                        .isLessThan(TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void lossAndGradientsOfFullTuningEqualThoseOfTransformers(String variant) {
        JsonNode expected = expected(variant);
        try (var model = model(variant);
                var file = tensors(variant)) {
            var parameters = FullTuning.attach(model.transformer);
            double golden = expected.get("base_loss").asDouble();
            assertThat(model.lossAndGradients(Tokens.of(expected.get("sequences"))))
                    .isCloseTo(golden, relative(golden));
            JsonNode norms = expected.get("full_gradient_norms");
            assertThat(parameters).hasSize(norms.size());
            int compared = 0;
            for (Parameter p : parameters) {
                double norm = norms.get(p.name()).asDouble();
                assertThat(norm(p.gradient())).as(p.name()).isCloseTo(norm, relative(norm));
                if (file.tensors().containsKey("full_gradient." + p.name())) {
                    Tensor gradient = file.tensor("full_gradient." + p.name());
                    assertThat(Golden.relativeDifference(p.gradient(), gradient))
                            .as(p.name())
                            .isLessThan(TOLERANCE);
                    compared++;
                }
            }
            assertThat((long) compared)
                    .isEqualTo(
                            file.tensors().keySet().stream()
                                    .filter(n -> n.startsWith("full_gradient."))
                                    .count());
        }
    }

    private static double norm(Tensor t) {
        try (var _ = Scope.open()) {
            Tensor wide = t.to(DType.F64);
            return Math.sqrt(wide.mul(wide).sum().item());
        }
    }

    @Test
    void linearScalingInTheSpellingOfTransformers4MeansTheSame(@TempDir Path folder)
            throws Exception {
        Path source = Golden.folder("variants/linear-rope");
        for (String file : new String[] {"config-v4.json", "model.safetensors"}) {
            Files.copy(source.resolve(file), folder.resolve(file));
        }
        Files.move(
                folder.resolve("config-v4.json"),
                folder.resolve("config.json"),
                StandardCopyOption.REPLACE_EXISTING);
        try (var model = Golden.onDevice(folder, DType.F32);
                var file = tensors("linear-rope")) {
            assertLogits(model, expected("linear-rope").get("sequences"), file, "base.");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bf16", "fp16", "tied", "sharded"})
    void matricesStayMappedInTheTypeOfTheFile(String variant) {
        Golden.assumeProcessor();
        DType type =
                switch (variant) {
                    case "bf16" -> DType.BF16;
                    case "fp16" -> DType.F16;
                    default -> DType.F32;
                };
        try (var model = model(variant);
                var _ = PeftFiles.load(model.transformer, lora(variant))) {
            for (Linear linear : model.transformer.linears().values()) {
                assertThat(linear.weight()).isInstanceOf(FrozenWeight.Dense.class);
                Tensor stored = ((FrozenWeight.Dense) linear.weight()).stored();
                assertThat(stored.dtype()).as(linear.name()).isEqualTo(type);
                assertThat(isMapped(model, stored)).as(linear.name()).isTrue();
            }
        }
    }

    private static boolean isMapped(Golden.Model model, Tensor tensor) {
        for (SafetensorsFile file : model.files.files()) {
            for (TensorInfo info : file.tensors().values()) {
                if (file.bytes(info).address() == tensor.address()) {
                    return true;
                }
            }
        }
        return false;
    }

    @ParameterizedTest
    @ValueSource(strings = {"BF16", "F16"})
    void panelsGiveTheProductsOfTheWholeMatrix(String type) {
        int out = 2500; // three panels of 1024 rows, the last one short
        int in = 1024;
        try (var workspace = new Workspace()) {
            Tensor stored = random(out, in).to(DType.valueOf(type));
            Tensor whole = stored.to(DType.F32);
            var weight = new FrozenWeight.Dense(stored, DType.F32);
            Tensor x = random(3, in);
            Tensor y = Tensor.empty(DType.F32, 3, out);
            weight.product(x, y, workspace);
            assertThat(Golden.relativeDifference(y, x.matmul(whole.t()))).isLessThan(1e-5);

            Tensor dy = random(3, out);
            Tensor dx = Tensor.full(DType.F32, Double.NaN, 3, in); // memory that was never written
            weight.productTransposed(dy, dx, false, workspace);
            assertThat(Golden.relativeDifference(dx, dy.matmul(whole))).isLessThan(1e-5);
            weight.productTransposed(dy, dx, true, workspace);
            assertThat(Golden.relativeDifference(dx, dy.matmul(whole).mul(2))).isLessThan(1e-5);
        }
    }

    private static Tensor random(int rows, int columns) {
        var random = new Random(rows * 31L + columns);
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, rows, columns);
    }
}
