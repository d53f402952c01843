package dev.graft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.error.TrainingException;
import dev.graft.golden.Golden;
import dev.graft.nn.Recompute;
import dev.graft.tensor.DType;
import dev.graft.tensor.TestScope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/// Runs that compute in float16, as on cards before Ampere, here on the processor.
class Float16TrainingTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @RegisterExtension final TestScope scope = new TestScope();

    @TempDir Path folder;

    /// The losses of a run with a checkpoint after every second step.
    private List<Double> run(DType compute, int steps, Path output, boolean resume) {
        List<Double> losses = new ArrayList<>();
        try (var model = new Golden.Model("llama-tiny", compute);
                var adapter = Adapter.attach(model.transformer, LoraConfig.allLinear(4, 8), 42);
                var trainer =
                        trainer(
                                model,
                                adapter,
                                steps,
                                output,
                                event -> {
                                    if (event instanceof TrainEvent.Step step) {
                                        losses.add(step.loss());
                                    }
                                })) {
            if (resume) {
                trainer.resume(output.resolve("checkpoint-2"));
            }
            trainer.run();
        }
        return losses;
    }

    private static Trainer trainer(
            Golden.Model model,
            Adapter adapter,
            int steps,
            Path output,
            Consumer<TrainEvent> listener) {
        var settings = TrainerTest.settings(steps, 1, 2, new Recompute.None());
        return TrainerTest.trainer(model, adapter, 2, settings, output, listener);
    }

    private static Path state(Path output, int step) {
        return output.resolve("checkpoint-" + step).resolve("trainer_state.json");
    }

    /// Writes the factor of the loss into a checkpoint.
    private static void scale(Path output, double factor) throws IOException {
        Path file = state(output, 2);
        ObjectNode state = (ObjectNode) JSON.readTree(file.toFile());
        JSON.writeValue(file.toFile(), state.put("loss_scale", factor));
    }

    @Test
    void theLossFollowsThatInFloat32() {
        List<Double> wide = run(DType.F32, 8, folder.resolve("wide"), false);
        List<Double> half = run(DType.F16, 8, folder.resolve("half"), false);
        assertThat(half).isNotEqualTo(wide);
        for (int i = 0; i < wide.size(); i++) {
            assertThat(half.get(i)).isCloseTo(wide.get(i), withinPercentage(0.5));
        }
    }

    @Test
    void aResumedRunHasTheScaleAndTheLossesOfAnUninterruptedOne() throws IOException {
        List<Double> whole = run(DType.F16, 6, folder, false);
        JsonNode before = JSON.readTree(state(folder, 2).toFile());
        assertThat(before.get("loss_scale").asDouble()).isPositive();
        assertThat(before.get("steps_at_loss_scale").asInt()).isEqualTo(2);
        List<Double> rest = run(DType.F16, 6, folder, true);
        assertThat(rest).isEqualTo(whole.subList(2, 6));
    }

    @Test
    void aStepThatOverflowsIsTakenAgainWithLess() throws IOException {
        List<Double> whole = run(DType.F16, 6, folder, false);
        scale(folder, 0x1p60);
        List<Double> rest = run(DType.F16, 6, folder, true);
        assertThat(rest).hasSize(4);
        for (int i = 0; i < rest.size(); i++) {
            assertThat(rest.get(i)).isCloseTo(whole.get(i + 2), withinPercentage(0.5));
        }
        JsonNode after = JSON.readTree(state(folder, 4).toFile());
        assertThat(after.get("loss_scale").asDouble()).isBetween(0x1p10, 0x1p30);
        assertThat(after.get("steps_at_loss_scale").asInt()).isLessThanOrEqualTo(2);
    }

    @Test
    void aLossThatIsNoNumberIsNotTriedAgain() {
        try (var model = new Golden.Model("llama-tiny", DType.F16);
                var attached = Adapter.attach(model.transformer, LoraConfig.allLinear(4, 8), 42);
                var trainer = trainer(model, attached, 4, folder, event -> {})) {
            attached.parameters().values().iterator().next().value().mulInPlace(Double.NaN);
            assertThatThrownBy(trainer::run)
                    .isInstanceOf(TrainingException.class)
                    .hasMessageContaining("step 1: the loss is NaN")
                    .hasMessageContaining("bnb_4bit_compute_dtype: float32");
        }
    }
}
