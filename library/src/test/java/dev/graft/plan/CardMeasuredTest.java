package dev.graft.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.Shared;
import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.data.Batch;
import dev.graft.golden.Golden;
import dev.graft.kernel.CardWithoutNumbers;
import dev.graft.model.BaseResidency;
import dev.graft.model.FullTuning;
import dev.graft.model.LoadOptions;
import dev.graft.model.ModelConfig;
import dev.graft.nn.Parameter;
import dev.graft.nn.Recompute;
import dev.graft.nn.Tape;
import dev.graft.optim.Optim;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The plan's bytes of a card against those of tensors on the device without numbers. What
/// FlashAttention takes for itself is asked for as libtorch's source has it; no card has confirmed
/// that.
@ExtendWith(CardWithoutNumbers.class)
class CardMeasuredTest {
    private static final double LEAST = 0.985;
    private static final double MOST = 1.0005;

    /// Bytes of tensors: at the worst moment of a step, and before a step begins.
    private record Measured(long peak, long between) {}

    private static void pass(Golden.Model model, Batch batch, Recompute recompute) {
        try (var _ = Scope.open("micro-batch", Device.META);
                var tape = Tape.recording(model.workspace, 1, recompute)) {
            loss(model, tape, batch, Tensor.zeros(DType.F64, 1));
            tape.backward();
        }
    }

    private static void loss(Golden.Model model, Tape tape, Batch batch, Tensor sum) {
        model.transformer.loss(
                tape, batch.ids(), batch.positions(), batch.offsets(), batch.labels(), 1, sum);
    }

    private static Measured step(
            Golden.Model model, Collection<Parameter> parameters, Job job, long before) {
        BatchShape shape = job.batch();
        Batch batch =
                MeasuredTest.batch(shape.sequences(), shape.longest(), job.model().vocabulary());
        Recompute recompute = MeasuredTest.recompute(job.recomputation(), null);
        try (var optimizer = MeasuredTest.optimizer(parameters, job.optimizer().optim());
                var _ = Scope.open("step", Device.META)) {
            pass(model, batch, recompute);
            long between = Scope.liveBytes() - before;
            Scope.resetPeak();
            pass(model, batch, recompute);
            optimizer.step(1e-3, 1);
            return new Measured(Scope.peakBytes() - before, between);
        }
    }

    private static Golden.Model model(Path folder, Job job) {
        var options =
                new LoadOptions(null, null, job.base().residency(), Device.META, (_, _) -> {})
                        .whole(job.tuning() instanceof Tuning.Full);
        return new Golden.Model(folder, job.computation().type(), options);
    }

    private static void check(Path folder, Job job, LoraConfig lora) {
        long before = Scope.liveBytes();
        try (var model = model(folder, job);
                var adapter = Adapter.attach(model.transformer, lora, 1)) {
            check(model, adapter.parameters().values(), job, before);
        }
        assertThat(Scope.liveBytes()).isEqualTo(before);
    }

    private static void check(
            Golden.Model model, Collection<Parameter> parameters, Job job, long before) {
        long without = 0;
        for (Recomputation policy :
                List.of(Recomputation.NONE, Recomputation.MLP, Recomputation.LAYER)) {
            Job again = job.with(policy);
            Measured measured = step(model, parameters, again, before);
            checkCard(again, measured.peak() - Bill.of(again).inHost());
            without = measured.between(); // the same with each
        }
        checkOffload(model, parameters, job.with(Recomputation.OFFLOAD), without, before);
    }

    /// @param without what is there between steps where nothing is offloaded
    private static void checkOffload(
            Golden.Model model,
            Collection<Parameter> parameters,
            Job job,
            long without,
            long before) {
        Bill bill = Bill.of(job);
        Measured measured = step(model, parameters, job, before);
        long inputs = bill.bytes("inputs") + bill.bytes("inputs_file");
        assertThat(measured.between() - without).as("inputs, near and far").isEqualTo(inputs);
        checkCard(job, measured.peak() - bill.inHost());
    }

    private static void checkCard(Job job, long bytes) {
        Bill bill = Bill.of(job);
        double planned = bill.needed() - bill.bytes("runtime");
        assertThat(bytes / planned)
                .as("%s %s", job.recomputation(), bill.parts())
                .isBetween(LEAST, MOST);
    }

    private static String text(String shape) throws IOException {
        try (var in = CardMeasuredTest.class.getResourceAsStream("/plan/" + shape + ".json")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static Job job(Path folder, LoraConfig lora, int sequences, int length) {
        return Job.of(
                        ModelConfig.read(folder),
                        new Tuning.Lora(lora),
                        BatchShape.of(sequences, length))
                .with(Computation.onCard(DType.BF16));
    }

    @ParameterizedTest
    @CsvSource({"1, 2048, 0", "2, 2048, 0.1", "16, 512, 0"})
    void loraTakesWhatThePlanSays(int sequences, int length, double dropout, @TempDir Path folder)
            throws Exception {
        SparseModel.write(folder, text("llama-3.1-8b"), false);
        LoraConfig lora = LoraConfig.allLinear(16, 16).withDropout(dropout);
        check(folder, job(folder, lora, sequences, length), lora);
    }

    @ParameterizedTest
    @CsvSource({
        "16, 1, 2048, ADAMW_TORCH",
        "16, 2, 2048, PAGED_ADAMW_8BIT",
        "32, 1, 30000, PAGED_ADAMW_32BIT"
    })
    void qloraTakesWhatThePlanSays(
            int r, int sequences, int length, Optim optim, @TempDir Path folder) throws Exception {
        SparseModel.write(folder, text("llama-3.1-8b"), true);
        LoraConfig lora = LoraConfig.allLinear(r, r);
        Job job = job(folder, lora, sequences, length);
        job = job.with(job.base().with(BaseStorage.QLORA)).with(OptimizerState.of(optim));
        check(folder, job, lora);
    }

    /// FlashAttention takes no heads of 100 numbers (OpenLLaMA 3B has such).
    @Test
    void headsOfAnotherWidthTakeWhatThePlanSays(@TempDir Path folder) throws Exception {
        String config = fewLayers().replace("\"hidden_size\": 4096", "\"hidden_size\": 3200");
        SparseModel.write(folder, config, false);
        LoraConfig lora = LoraConfig.allLinear(16, 16);
        check(folder, job(folder, lora, 2, 1024), lora);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Llama-3.2-1B",
                "Mistral-7B-Instruct-v0.2",
                "Qwen2.5-7B",
                "Qwen3-4B",
                "gemma-7b-it",
                "gemma-2-9b-it",
                "gemma-3-4b-it",
                "phi-3-mini-4k-instruct",
                "phi-4",
                "Meta-Llama-3.1-70B"
            })
    void familiesTakeWhatThePlanSays(String name, @TempDir Path folder) throws Exception {
        Path config = Shared.folder("data/configs").resolve(name + ".json");
        SparseModel.write(folder, Files.readString(config), true);
        LoraConfig lora = LoraConfig.allLinear(16, 16);
        Job job = job(folder, lora, 1, 1024);
        check(folder, job.with(job.base().with(BaseStorage.QLORA)), lora);
    }

    /// A pass without gradients; and one whose attention has none either.
    @ParameterizedTest
    @ValueSource(strings = {"Llama-3.2-1B", "gemma-2-9b-it", "Qwen3-4B"})
    void evaluationTakesWhatThePlanSays(String name, @TempDir Path folder) throws Exception {
        Path config = Shared.folder("data/configs").resolve(name + ".json");
        SparseModel.write(folder, Files.readString(config), false);
        LoraConfig lora = Configs.lora(4, "lm_head");
        Job job = job(folder, lora, 1, 2).evaluating(BatchShape.of(2, 3000));
        Batch batch = MeasuredTest.batch(2, 3000, job.model().vocabulary());
        try (var model = model(folder, job);
                var _ = Scope.open("evaluation", Device.META)) {
            Tensor sum = Tensor.zeros(DType.F64, 1);
            evaluate(model, batch, sum);
            long before = Scope.liveBytes();
            Scope.resetPeak();
            evaluate(model, batch, sum);
            Bill bill = Bill.of(job);
            double planned =
                    bill.bytes("activations") + bill.bytes("backward") + bill.bytes("beyond");
            assertThat((Scope.peakBytes() - before) / planned).isBetween(LEAST, 1.01);
        }
    }

    private static void evaluate(Golden.Model model, Batch batch, Tensor sum) {
        try (var _ = Scope.open("batch");
                var tape = Tape.inference(model.workspace)) {
            loss(model, tape, batch, sum);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lm_head", "o_proj", "down_proj"})
    void someModulesTakeWhatThePlanSays(String module, @TempDir Path folder) throws Exception {
        Path config = Shared.folder("data/configs").resolve("gemma-2-9b-it.json");
        SparseModel.write(folder, Files.readString(config), false);
        LoraConfig lora = Configs.lora(4, module);
        check(folder, job(folder, lora, 1, 2048), lora);
    }

    @Test
    void fullTrainingTakesWhatThePlanSays(@TempDir Path folder) throws Exception {
        SparseModel.write(folder, fewLayers(), false);
        Job job =
                Job.of(ModelConfig.read(folder), new Tuning.Full(), BatchShape.of(2, 1024))
                        .with(Computation.onCard(DType.BF16));
        long before = Scope.liveBytes();
        try (var model = model(folder, job)) {
            check(model, FullTuning.attach(model.transformer), job, before);
        }
    }

    @Test
    void modulesThatAreTrainedWholeTakeWhatThePlanSays(@TempDir Path folder) throws Exception {
        SparseModel.write(folder, fewLayers(), true);
        LoraConfig lora = Configs.saving(16, "embed_tokens", "lm_head");
        Job job = job(folder, lora, 2, 1024);
        check(folder, job.with(job.base().with(BaseStorage.QLORA)), lora);
    }

    private static String fewLayers() throws IOException {
        return text("llama-3.1-8b").replace("layers\": 32", "layers\": 3");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aStreamedBaseTakesWhatThePlanSays(boolean fourBit, @TempDir Path folder) throws Exception {
        SparseModel.write(folder, fewLayers(), fourBit);
        LoraConfig lora = LoraConfig.allLinear(16, 16);
        Job job = job(folder, lora, 1, 1024);
        BaseStorage base = job.base().with(BaseResidency.STREAMED);
        check(folder, job.with(fourBit ? base.with(BaseStorage.QLORA) : base), lora);
    }

    /// The contexts of docs/gpu.md.
    @ParameterizedTest
    @ValueSource(longs = {24, 48, 80})
    void theLongestContextFitsTheCard(long gigabytes, @TempDir Path folder) throws Exception {
        String far = text("llama-3.1-8b").replace("131072", "1048576");
        SparseModel.write(folder, far, true);
        LoraConfig lora = LoraConfig.allLinear(32, 32);
        Job job = job(folder, lora, 1, 1).with(Recomputation.OFFLOAD);
        job = job.with(job.base().with(BaseStorage.QLORA));
        var fit = new Fit(gigabytes * 1_000_000_000);
        job = job.with(BatchShape.of(1, fit.longestContext(job)));
        long before = Scope.liveBytes();
        try (var model = model(folder, job);
                var adapter = Adapter.attach(model.transformer, lora, 1)) {
            var parameters = adapter.parameters().values();
            Job layer = job.with(Recomputation.LAYER);
            long without = step(model, parameters, layer, before).between();
            checkOffload(model, parameters, job, without, before);
        }
        assertThat(Scope.liveBytes()).isEqualTo(before);
    }
}
