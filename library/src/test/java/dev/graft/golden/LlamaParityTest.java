package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.adapter.PeftFiles;
import dev.graft.format.SafetensorsFile;
import dev.graft.golden.Golden.Tokens;
import dev.graft.model.FullTuning;
import dev.graft.nn.Parameter;
import dev.graft.optim.AdamW;
import dev.graft.optim.Schedule;
import dev.graft.tensor.DType;
import dev.graft.tensor.TestScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The whole of a training run against Transformers and PEFT: logits, loss, every gradient, ten
/// steps.
class LlamaParityTest {
    private static final double TOLERANCE = 1e-4;
    private static final String EXPECTED = "llama-tiny-expected/";

    private final JsonNode expected = Golden.json(EXPECTED + "expected.json");
    private final Tokens tokens = Tokens.of(expected.get("sequences"));
    @RegisterExtension final TestScope scope = new TestScope(() -> Golden.DEVICE);

    private static Offset<Double> relative(double value) {
        return within(Math.abs(value) * TOLERANCE);
    }

    @Test
    void logitsEqualThoseOfTransformers() {
        try (var model = Golden.onDevice("llama-tiny", DType.F32);
                var file = Golden.tensors(EXPECTED + "logits.safetensors")) {
            for (int i = 0; i < expected.get("sequences").size(); i++) {
                int[] ids = Golden.ints(expected.get("sequences").get(i).get("ids"));
                assertThat(Golden.maxDifference(model.logits(ids), file.tensor("base." + i)))
                        .isLessThan(TOLERANCE);
            }
        }
    }

    @Test
    void theSpellingOfTransformers4MeansTheSame(@TempDir Path folder) throws Exception {
        Path source = Golden.folder("llama-tiny");
        Files.copy(source.resolve("config-v4.json"), folder.resolve("config.json"));
        Files.copy(source.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        int[] ids = Golden.ints(expected.get("sequences").get(2).get("ids"));
        try (var model = Golden.onDevice(folder, DType.F32);
                var file = Golden.tensors(EXPECTED + "logits.safetensors")) {
            assertThat(Golden.maxDifference(model.logits(ids), file.tensor("base.2")))
                    .isLessThan(TOLERANCE);
        }
    }

    @Test
    void adapterOfPeftGivesTheSameLogits() {
        try (var model = Golden.onDevice("llama-tiny", DType.F32);
                var adapter = PeftFiles.load(model.transformer, Golden.folder("llama-tiny-lora"));
                var file = Golden.tensors(EXPECTED + "logits.safetensors")) {
            assertThat(adapter.parameters()).hasSize(28);
            for (int i = 0; i < expected.get("sequences").size(); i++) {
                int[] ids = Golden.ints(expected.get("sequences").get(i).get("ids"));
                assertThat(Golden.maxDifference(model.logits(ids), file.tensor("lora." + i)))
                        .isLessThan(TOLERANCE);
            }
        }
    }

    @Test
    void everyLoraGradientEqualsThatOfPeft() {
        try (var model = Golden.onDevice("llama-tiny", DType.F32);
                var adapter = PeftFiles.load(model.transformer, Golden.folder("llama-tiny-lora"));
                var file = Golden.tensors(EXPECTED + "lora_gradients.safetensors")) {
            double loss = model.lossAndGradients(tokens);
            double golden = expected.get("lora_loss").asDouble();
            assertThat(loss).isCloseTo(golden, relative(golden));
            assertGradients(adapter.parameters().values(), file);
        }
    }

    @Test
    void everyGradientOfFullTuningEqualsThatOfTransformers() {
        try (var model = Golden.onDevice("llama-tiny", DType.F32);
                var file = Golden.tensors(EXPECTED + "full_gradients.safetensors")) {
            List<Parameter> parameters = FullTuning.attach(model.transformer);
            assertThat(parameters).hasSize(file.tensors().size());
            double loss = model.lossAndGradients(tokens);
            double golden = expected.get("base_loss").asDouble();
            assertThat(loss).isCloseTo(golden, relative(golden));
            assertGradients(parameters, file);
        }
    }

    private static void assertGradients(Iterable<Parameter> parameters, SafetensorsFile file) {
        for (Parameter p : parameters) {
            assertThat(Golden.relativeDifference(p.gradient(), file.tensor(p.name())))
                    .as(p.name())
                    .isLessThan(TOLERANCE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lora_constant", "lora_clipped_linear"})
    void tenLoraStepsEqualThoseOfPeft(String run) {
        try (var model = Golden.onDevice("llama-tiny", DType.F32);
                var adapter = PeftFiles.load(model.transformer, Golden.folder("llama-tiny-lora"));
                var last = Golden.tensors(EXPECTED + run + "_final.safetensors")) {
            train(model, new ArrayList<>(adapter.parameters().values()), expected.get(run));
            for (Parameter p : adapter.parameters().values()) {
                assertThat(Golden.maxDifference(p.value(), last.tensor(p.name())))
                        .as(p.name())
                        .isLessThan(TOLERANCE);
            }
        }
    }

    @Test
    void tenFullStepsEqualThoseOfTransformers() {
        try (var model = Golden.onDevice("llama-tiny", DType.F32)) {
            train(model, FullTuning.attach(model.transformer), expected.get("full_constant"));
        }
    }

    private void train(Golden.Model model, List<Parameter> parameters, JsonNode run) {
        double[] losses = Golden.doubles(run.get("losses"));
        double[] norms = Golden.doubles(run.get("grad_norms"));
        double[] rates = Golden.doubles(run.get("lrs"));
        var settings = new AdamW.Settings(0.9, 0.999, 1e-8, 0.01);
        boolean linear = run.hasNonNull("schedule");
        var schedule =
                linear
                        ? new Schedule(Schedule.Course.LINEAR, run.get("warmup_steps").asInt(), 10)
                        : new Schedule(Schedule.Course.CONSTANT, 0, 10);
        try (var optimizer = new AdamW(parameters, settings, name -> true)) {
            for (int step = 0; step < losses.length; step++) {
                double loss = model.lossAndGradients(tokens);
                double norm = optimizer.gradientNorm();
                assertThat(loss).as("loss " + step).isCloseTo(losses[step], relative(losses[step]));
                assertThat(norm).as("norm " + step).isCloseTo(norms[step], relative(norms[step]));
                double rate = run.get("lr").asDouble() * schedule.at(step);
                assertThat(rate).isCloseTo(rates[step], within(1e-12));
                JsonNode max = run.get("max_grad_norm");
                double clip = max.isNull() ? 1 : Math.min(1, max.asDouble() / (norm + 1e-6));
                optimizer.step(rate, clip);
            }
        }
    }
}
