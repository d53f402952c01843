package dev.graft.plan;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.Shared;
import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.error.ConfigException;
import dev.graft.golden.Golden;
import dev.graft.model.FullTuning;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout;
import dev.graft.nn.Parameter;
import dev.graft.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the plan takes for the model and its trained tensors, against the ones that are built.
class LayoutTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama-tiny",
                "variants/bias",
                "variants/linear-rope",
                "variants/bf16",
                "variants/tied"
            })
    void modulesAndShapesAreThoseOfTheModel(String name) {
        try (var model = new Golden.Model(name, DType.F32)) {
            var layout = ModelLayout.of(model.transformer.config());
            var linears = model.transformer.linears();
            assertThat(layout.linears().stream().map(ModelLayout.Matrix::path))
                    .containsExactlyElementsOf(linears.keySet());
            for (ModelLayout.Matrix matrix : layout.linears()) {
                var linear = linears.get(matrix.path());
                assertThat(linear.weight().out()).isEqualTo(matrix.out());
                assertThat(linear.weight().in()).isEqualTo(matrix.in());
                assertThat(linear.bias() != null).isEqualTo(matrix.bias());
            }
            assertThat(layout.norms().stream().map(ModelLayout.Vector::path))
                    .containsExactlyElementsOf(model.transformer.norms().keySet());
            assertThat(layout.embedding().path()).isEqualTo(model.transformer.embedding().name());
            var full = TrainedTensors.of(layout, new Tuning.Full());
            assertThat(sizes(full)).isEqualTo(elements(FullTuning.attach(model.transformer)));
        }
    }

    static Stream<JsonNode> adapters() {
        List<JsonNode> cases = new ArrayList<>();
        Golden.json("resolution.json").get("cases").forEach(cases::add);
        return cases.stream().filter(c -> c.has("trainable_parameters"));
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void trainedTensorsAreThoseOfTheAdapter(JsonNode c, @TempDir Path folder) {
        try (var model = new Golden.Model("llama-tiny", DType.F32)) {
            var layout = ModelLayout.of(model.transformer.config());
            LoraConfig config;
            TrainedTensors trained;
            try {
                config = Golden.loraConfig(folder, c.get("config"));
                trained = TrainedTensors.of(layout, new Tuning.Lora(config));
            } catch (ConfigException _) {
                return; // where Graft is stricter than PEFT: ResolutionTest
            }
            try (var adapter = Adapter.attach(model.transformer, config, 0)) {
                assertThat(sizes(trained)).isEqualTo(elements(adapter.parameters().values()));
                assertThat(trained.count()).isEqualTo(adapter.parameterCount());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"NONE", "ALL", "LORA_ONLY"})
    void trainedBiasesAreCounted(LoraConfig.Bias bias) {
        LoraConfig plain = Configs.lora(3, "q_proj", "down_proj");
        var config =
                new LoraConfig(
                        3,
                        3,
                        0,
                        plain.targetModules(),
                        null,
                        bias,
                        false,
                        List.of("o_proj", "norm"),
                        plain.rankPattern(),
                        plain.alphaPattern(),
                        List.of(),
                        List.of(),
                        LoraConfig.Init.TRUE,
                        null);
        try (var model = new Golden.Model("variants/bias", DType.F32);
                var adapter = Adapter.attach(model.transformer, config, 0)) {
            var layout = ModelLayout.of(model.transformer.config());
            var trained = TrainedTensors.of(layout, new Tuning.Lora(config));
            assertThat(sizes(trained)).isEqualTo(elements(adapter.parameters().values()));
        }
    }

    private static List<Long> sizes(TrainedTensors trained) {
        return trained.elements().values().stream().sorted().toList();
    }

    private static List<Long> elements(Collection<Parameter> parameters) {
        return parameters.stream().map(p -> p.value().numel()).sorted().toList();
    }

    /// The counts that the makers of the models publish.
    @ParameterizedTest
    @CsvSource({
        "Llama-2-7b-hf, 6738415616",
        "Llama-2-13b-chat-hf, 13015864320",
        "Llama-2-70b-hf, 68976648192",
        "Llama-3.1-8B, 8030261248",
        "Llama-3.2-1B, 1235814400",
        "Llama-3.2-3B, 3212749824",
        "Meta-Llama-3.1-70B, 70553706496",
        "SmolLM2-135M, 134515008",
        "TinyLlama-1.1B-Chat-v1.0, 1100048384"
    })
    void realConfigsHaveTheirPublishedParameters(String name, long parameters) {
        ModelConfig model = ModelConfig.read(Shared.folder("data/configs").resolve(name + ".json"));
        assertThat(model.parameters()).isEqualTo(parameters);
        Job job = Job.of(model, new Tuning.Full(), BatchShape.of(1, 64));
        assertThat(Bill.of(job).trainedParameters()).isEqualTo(parameters);
    }

    @Test
    void aConfigIsReadAsAFileAndAsAFolder() {
        Path folder = Golden.folder("llama-tiny");
        assertThat(ModelConfig.read(folder.resolve("config.json")))
                .isEqualTo(ModelConfig.read(folder));
    }
}
