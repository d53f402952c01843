package dev.graft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.data.Batches;
import dev.graft.data.Dataset;
import dev.graft.data.DatasetReport;
import dev.graft.data.Example;
import dev.graft.error.ModelFormatException;
import dev.graft.format.SafetensorsFile;
import dev.graft.golden.Golden;
import dev.graft.nn.Recompute;
import dev.graft.optim.AdamW;
import dev.graft.optim.Optim;
import dev.graft.optim.Paging;
import dev.graft.optim.Schedule;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Whole runs with every optimizer, on adapters of rank 128: all of their moments are large enough
/// for 8 bits.
class OptimizersTest {
    private static final int STEPS = 30;

    @TempDir Path folder;

    private TrainSettings settings(Optim optim, int saveEvery) {
        var paging = new Paging(folder, optim.paged() ? 7_000_000 : 0);
        return new TrainSettings(
                STEPS,
                1,
                2e-3,
                1,
                new AdamW.Settings(0.9, 0.999, 1e-8, 0.01, optim, paging),
                new Schedule(Schedule.Course.LINEAR, 2, STEPS),
                0,
                saveEvery,
                0,
                new Recompute.None(),
                false,
                false,
                42);
    }

    /// Sequences that repeat themselves, so that there is something to learn.
    private static Dataset data() {
        var random = new Random(5);
        List<Example> all = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            int[] ids = new int[24];
            for (int t = 0; t < ids.length; t++) {
                ids[t] = t < 6 ? 3 + random.nextInt(20) : ids[t - 6];
            }
            all.add(Example.completion(3, ids));
        }
        return new Dataset(all, new DatasetReport(12, 12, 0, 0, 0, 0, 24, 0, 0, 0));
    }

    /// What a run leaves: the adapter, and the loss of every step.
    private record Outcome(Map<String, float[]> adapter, List<Double> losses) {}

    private Outcome run(Optim optim, int saveEvery, boolean resume, int stopAt) {
        Map<String, float[]> values = new HashMap<>();
        List<Double> losses = new ArrayList<>();
        Trainer[] running = new Trainer[1];
        Consumer<TrainEvent> listener =
                event -> {
                    if (event instanceof TrainEvent.Step step) {
                        losses.add(step.loss());
                        if (step.step() == stopAt) {
                            running[0].interrupt();
                        }
                    }
                };
        var checkpoints = new Checkpoints(folder.resolve("run-" + optim), 0, "test");
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var adapter =
                        Adapter.attach(model.transformer, LoraConfig.allLinear(128, 128), 42);
                var trainer =
                        new Trainer(
                                model.transformer,
                                new AdapterTraining(adapter),
                                new Batches(data(), 4, 42, true),
                                List.of(),
                                settings(optim, saveEvery),
                                checkpoints,
                                listener);
                var _ = Scope.open()) {
            running[0] = trainer;
            if (resume) {
                trainer.resume(checkpoints.latest().orElseThrow());
            }
            trainer.run();
            adapter.parameters().forEach((name, p) -> values.put(name, p.value().toFloats()));
        }
        return new Outcome(values, losses);
    }

    private static void assertSame(Outcome actual, Outcome expected) {
        assertThat(actual.adapter().keySet()).isEqualTo(expected.adapter().keySet());
        actual.adapter()
                .forEach(
                        (name, values) ->
                                assertThat(values)
                                        .as(name)
                                        .isEqualTo(expected.adapter().get(name)));
    }

    @ParameterizedTest
    @CsvSource({"ADAMW_TORCH, PAGED_ADAMW_32BIT", "ADAMW_8BIT, PAGED_ADAMW_8BIT"})
    void aPagedRunEqualsOneInMemoryBitByBit(Optim plain, Optim paged) {
        assertSame(run(paged, 0, false, 0), run(plain, 0, false, 0));
    }

    @ParameterizedTest
    @EnumSource(Optim.class)
    void aRunThatWasStoppedAndResumedEqualsAnUninterruptedOneBitByBit(Optim optim) {
        long bytes = Scope.liveBytes();
        Outcome whole = run(optim, 0, false, 0);
        run(optim, 0, false, 11);
        Outcome rest = run(optim, 0, true, 0);
        assertThat(rest.losses()).isEqualTo(whole.losses().subList(11, STEPS));
        assertSame(rest, whole);
        assertThat(Scope.liveBytes()).isEqualTo(bytes);
    }

    @Test
    void theLossOfEightBitMomentsFollowsThatOf32Bit() {
        List<Double> exact = run(Optim.ADAMW_TORCH, 0, false, 0).losses();
        List<Double> coded = run(Optim.ADAMW_8BIT, 0, false, 0).losses();
        assertThat(exact.getLast()).isLessThan(0.8 * exact.getFirst());
        double difference = Math.abs(coded.getLast() / exact.getLast() - 1);
        assertThat(difference).isBetween(1e-12, 0.005);
    }

    @Test
    void checkpointsOf8BitMomentsHaveTheNamesOfBitsandbytesAndFitNo32BitRun() {
        run(Optim.ADAMW_8BIT, 5, false, 6);
        Path file = folder.resolve("run-adamw_8bit/checkpoint-5/optimizer.safetensors");
        try (var stored = SafetensorsFile.open(file)) {
            assertThat(stored.tensors().keySet())
                    .anyMatch(n -> n.endsWith("q_proj.lora_A.weight.state1"))
                    .anyMatch(n -> n.endsWith("q_proj.lora_B.weight.state2"))
                    .anyMatch(n -> n.endsWith("q_proj.lora_B.weight.absmax1"))
                    .anyMatch(n -> n.endsWith("q_proj.lora_B.weight.absmax2"));
            try (var model = new Golden.Model("llama-tiny", DType.F32);
                    var adapter =
                            Adapter.attach(model.transformer, LoraConfig.allLinear(128, 128), 42);
                    var optimizer =
                            new AdamW(
                                    List.copyOf(adapter.parameters().values()),
                                    AdamW.Settings.DEFAULT,
                                    name -> true)) {
                assertThatThrownBy(() -> optimizer.restore(stored))
                        .isInstanceOf(ModelFormatException.class)
                        .hasMessageContaining("belongs to another run");
            }
        }
    }
}
