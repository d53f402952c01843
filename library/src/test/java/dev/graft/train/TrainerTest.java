package dev.graft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.data.Batches;
import dev.graft.data.Dataset;
import dev.graft.data.DatasetReport;
import dev.graft.data.Example;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.error.TrainingException;
import dev.graft.format.SafetensorsFile;
import dev.graft.golden.Golden;
import dev.graft.nn.Recompute;
import dev.graft.optim.AdamW;
import dev.graft.optim.Schedule;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Torch;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
    @TempDir Path folder;

    /// Examples of random ids, lengths 5 to 40, the first three tokens not trained.
    static Dataset data(int examples) {
        var random = new Random(5);
        List<Example> all = new ArrayList<>();
        for (int i = 0; i < examples; i++) {
            int[] ids = random.ints(5 + random.nextInt(36), 0, 128).toArray();
            all.add(Example.completion(3, ids));
        }
        return new Dataset(all, new DatasetReport(examples, examples, 0, 0, 0, 0, 40, 0, 0, 0));
    }

    private static TrainSettings settings(int steps, int accumulation, int saveEvery) {
        return settings(steps, accumulation, saveEvery, new Recompute.None());
    }

    static TrainSettings settings(int steps, int accumulation, int saveEvery, Recompute recompute) {
        return settings(steps, accumulation, saveEvery, recompute, false);
    }

    private static TrainSettings settings(
            int steps, int accumulation, int saveEvery, Recompute recompute, boolean bf16) {
        return new TrainSettings(
                steps,
                accumulation,
                1e-2,
                1,
                new AdamW.Settings(0.9, 0.999, 1e-8, 0.01),
                new Schedule(Schedule.Course.COSINE, 2, 12),
                0,
                saveEvery,
                0,
                recompute,
                bf16,
                false,
                42);
    }

    private static LoraConfig lora() {
        return LoraConfig.allLinear(4, 8).withDropout(0.1);
    }

    /// A run on the tiny model: what it leaves in the adapter, by name.
    private Map<String, float[]> run(
            int batch,
            TrainSettings settings,
            Path output,
            boolean resume,
            Consumer<TrainEvent> listener) {
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var adapter = Adapter.attach(model.transformer, lora(), 42);
                var trainer = trainer(model, adapter, batch, settings, output, listener)) {
            if (resume) {
                trainer.resume(new Checkpoints(output, 0, "test").latest().orElseThrow());
            }
            trainer.run();
            return values(adapter);
        }
    }

    static Trainer trainer(
            Golden.Model model,
            Adapter adapter,
            int batch,
            TrainSettings settings,
            Path output,
            Consumer<TrainEvent> listener) {
        return new Trainer(
                model.transformer,
                new AdapterTraining(adapter),
                new Batches(data(10), batch, 42, true),
                List.of(),
                settings,
                new Checkpoints(output, 0, "test"),
                listener);
    }

    private static Map<String, float[]> values(Adapter adapter) {
        Map<String, float[]> values = new HashMap<>();
        try (var _ = Scope.open()) {
            adapter.parameters().forEach((name, p) -> values.put(name, p.value().toFloats()));
        }
        return values;
    }

    private static void assertSame(Map<String, float[]> a, Map<String, float[]> b) {
        assertThat(a.keySet()).isEqualTo(b.keySet());
        a.forEach((name, values) -> assertThat(values).as(name).isEqualTo(b.get(name)));
    }

    @Test
    void productsInBfloat16ChangeTheLossALittle() {
        List<Double> wide = losses(settings(8, 1, 0, new Recompute.None(), false), "wide");
        List<Double> half = losses(settings(8, 1, 0, new Recompute.None(), true), "half");
        assertThat(half).isNotEqualTo(wide);
        for (int i = 0; i < wide.size(); i++) {
            assertThat(half.get(i)).isCloseTo(wide.get(i), withinPercentage(1));
        }
    }

    private List<Double> losses(TrainSettings settings, String name) {
        List<Double> losses = new ArrayList<>();
        run(
                2,
                settings,
                folder.resolve(name),
                false,
                event -> {
                    if (event instanceof TrainEvent.Step step) {
                        losses.add(step.loss());
                    }
                });
        return losses;
    }

    @Test
    void twoRunsWithOneSeedAreEqualBitByBit() {
        assertSame(
                run(3, settings(8, 2, 0), folder, false, e -> {}),
                run(3, settings(8, 2, 0), folder, false, e -> {}));
    }

    @Test
    void aRunTellsWhenItsFirstStepWasAndOnlyIfItTookOne() {
        List<TrainEvent> events = new ArrayList<>();
        long before = ManagementFactory.getRuntimeMXBean().getUptime(); // ms
        run(2, settings(2, 1, 1), folder.resolve("steps"), false, events::add);
        long after = ManagementFactory.getRuntimeMXBean().getUptime();
        TrainEvent.FirstStep first = finished(events).firstStep().orElseThrow();
        assertThat(first.began()).isBetween(before / 1e3 - 0.001, first.ended());
        assertThat(first.ended()).isLessThan(after / 1e3 + 0.001);

        events.clear();
        run(2, settings(1, 1, 1), folder.resolve("steps"), true, events::add);
        assertThat(finished(events).firstStep()).isEmpty();
    }

    private static TrainEvent.Finished finished(List<TrainEvent> events) {
        return (TrainEvent.Finished) events.getLast();
    }

    @Test
    void aResumedRunEqualsAnUninterruptedOneBitByBit() {
        Map<String, float[]> whole = run(3, settings(12, 2, 0), folder, false, e -> {});
        Path output = folder.resolve("halves");
        List<TrainEvent> events = new ArrayList<>();
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var adapter = Adapter.attach(model.transformer, lora(), 42)) {
            Trainer[] running = new Trainer[1];
            Consumer<TrainEvent> stopAtSix =
                    event -> {
                        events.add(event);
                        if (event instanceof TrainEvent.Step step && step.step() == 6) {
                            running[0].interrupt();
                        }
                    };
            try (var trainer = trainer(model, adapter, 3, settings(12, 2, 0), output, stopAtSix)) {
                running[0] = trainer;
                assertThat(trainer.run()).isFalse();
            }
        }
        assertThat(events.getLast()).isEqualTo(new TrainEvent.Interrupted(6));
        assertThat(output.resolve("checkpoint-6")).isDirectory();
        assertSame(run(3, settings(12, 2, 0), output, true, e -> {}), whole);
    }

    @Test
    void runsUnderEveryPolicyAreEqualBitByBitAndLeaveNoFile() {
        Map<String, float[]> kept = run(3, settings(5, 2, 0), folder, false, e -> {});
        long tensors = Scope.liveTensors();
        for (Recompute recompute :
                List.of(
                        new Recompute.Mlp(),
                        new Recompute.Layer(),
                        new Recompute.Offload(folder.resolve("new")))) {
            assertSame(run(3, settings(5, 2, 0, recompute), folder, false, e -> {}), kept);
        }
        assertThat(folder.resolve("new")).isEmptyDirectory();
        assertThat(Scope.liveTensors()).isEqualTo(tensors);
    }

    @Test
    void aHalfWrittenCheckpointIsNotOne() throws Exception {
        run(3, settings(4, 1, 2), folder, false, e -> {});
        Files.createDirectories(folder.resolve("checkpoint-9.part"));
        Files.createDirectories(folder.resolve("checkpoint-8"));
        assertThat(new Checkpoints(folder, 0, "test").latest())
                .contains(folder.resolve("checkpoint-2"));
    }

    @Test
    void aCheckpointOfAnotherRunIsRefused() {
        run(3, settings(4, 1, 2), folder, false, e -> {});
        Path checkpoint = folder.resolve("checkpoint-2");
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var adapter = Adapter.attach(model.transformer, lora(), 42);
                var optimizer =
                        new AdamW(
                                List.copyOf(adapter.parameters().values()),
                                AdamW.Settings.DEFAULT,
                                name -> true)) {
            var other = new Checkpoints(folder, 0, "another");
            assertThatThrownBy(
                            () -> other.read(checkpoint, new AdapterTraining(adapter), optimizer))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("other settings");
        }
    }

    @Test
    void aCheckpointOfAnotherNumberOfThreadsWarns() throws Exception {
        run(3, settings(4, 1, 2), folder, false, e -> {});
        Path state = folder.resolve("checkpoint-2").resolve("trainer_state.json");
        String text = Files.readString(state);
        String here = "\"threads\" : " + Torch.threads();
        assertThat(text).contains(here);
        Files.writeString(state, text.replace(here, "\"threads\" : 77"));
        List<TrainEvent> events = new ArrayList<>();
        run(3, settings(4, 1, 2), folder, true, events::add);
        assertThat(events.getFirst())
                .isInstanceOfSatisfying(
                        TrainEvent.Warned.class,
                        w -> assertThat(w.message()).contains("OMP_NUM_THREADS=77"));
    }

    @Test
    void anOptimizerOfOtherShapesIsRefused() {
        run(3, settings(4, 1, 2), folder, false, e -> {});
        Path file = folder.resolve("checkpoint-2").resolve("optimizer.safetensors");
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var wider = Adapter.attach(model.transformer, LoraConfig.allLinear(6, 8), 42);
                var optimizer =
                        new AdamW(
                                List.copyOf(wider.parameters().values()),
                                AdamW.Settings.DEFAULT,
                                name -> true);
                var stored = SafetensorsFile.open(file)) {
            assertThatThrownBy(() -> optimizer.restore(stored))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("lora_A.weight.exp_avg")
                    .hasMessageContaining("[6, 32]");
        }
    }

    @Test
    void onlyTheNewestCheckpointsAreKept() {
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var adapter = Adapter.attach(model.transformer, lora(), 42);
                var trainer =
                        new Trainer(
                                model.transformer,
                                new AdapterTraining(adapter),
                                new Batches(data(10), 3, 42, true),
                                List.of(),
                                settings(6, 1, 1),
                                new Checkpoints(folder, 2, "test"),
                                e -> {})) {
            trainer.run();
        }
        assertThat(folder.toFile().list())
                .containsExactlyInAnyOrder("checkpoint-4", "checkpoint-5");
    }

    @Test
    void memoryAfterFiftyStepsIsThatAfterFive() {
        List<Long> live = new ArrayList<>();
        Consumer<TrainEvent> listener =
                event -> {
                    if (event instanceof TrainEvent.Step step
                            && (step.step() == 5 || step.step() == 50)) {
                        live.add(Scope.liveBytes());
                        live.add(Scope.liveTensors());
                    }
                };
        long tensors = Scope.liveTensors();
        long bytes = Scope.liveBytes();
        run(10, settings(50, 1, 20), folder, false, listener);
        assertThat(live.subList(2, 4)).isEqualTo(live.subList(0, 2));
        assertThat(Scope.liveTensors()).isEqualTo(tensors);
        assertThat(Scope.liveBytes()).isEqualTo(bytes);
    }

    @Test
    void trainingLeavesTheBaseAsItWas() throws Exception {
        Path file = Golden.folder("llama-tiny").resolve("model.safetensors");
        byte[] before = Files.readAllBytes(file);
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var _ = Scope.open()) {
            float[] logits = model.logits(new int[] {1, 2, 3}).toFloats();
            try (var adapter = Adapter.attach(model.transformer, lora(), 42);
                    var trainer = trainer(model, adapter, 3, settings(5, 1, 0), folder, e -> {})) {
                trainer.run();
                assertThat(model.logits(new int[] {1, 2, 3}).toFloats()).isNotEqualTo(logits);
            }
            assertThat(model.logits(new int[] {1, 2, 3}).toFloats()).isEqualTo(logits);
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    @Test
    void aLossThatIsNotANumberStopsTheRunAndNamesTheStep() {
        var wild =
                new TrainSettings(
                        20,
                        1,
                        1e25,
                        0,
                        AdamW.Settings.DEFAULT,
                        new Schedule(Schedule.Course.CONSTANT, 0, 20),
                        0,
                        0,
                        0,
                        new Recompute.None(),
                        false,
                        false,
                        42);
        assertThatThrownBy(() -> run(3, wild, folder, false, e -> {}))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("step ")
                .hasMessageContaining("epoch 0")
                .hasMessageContaining("learning_rate");
    }

    @Test
    void anEpochsLastStepTakesWhatIsLeft() {
        AtomicInteger steps = new AtomicInteger();
        List<Long> tokens = new ArrayList<>();
        run(
                3,
                settings(4, 3, 0),
                folder,
                false,
                e -> {
                    if (e instanceof TrainEvent.Step step) {
                        steps.incrementAndGet();
                        tokens.add(step.tokens());
                    }
                });
        // 10 examples are micro-batches of 3, 3, 3, 1: steps of 9 examples and of 1.
        assertThat(steps.get()).isEqualTo(4);
        assertThat(tokens.get(0)).isGreaterThan(tokens.get(1));
        assertThat(tokens.get(0) + tokens.get(1)).isEqualTo(tokens.get(2) + tokens.get(3));
    }
}
