package dev.graft.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.data.Batch;
import dev.graft.data.Example;
import dev.graft.format.ModelFiles;
import dev.graft.golden.Golden;
import dev.graft.model.BaseResidency;
import dev.graft.model.FullTuning;
import dev.graft.model.LoadOptions;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLoader;
import dev.graft.nn.Losses;
import dev.graft.nn.Parameter;
import dev.graft.nn.Recompute;
import dev.graft.nn.Tape;
import dev.graft.nn.Workspace;
import dev.graft.optim.AdamW;
import dev.graft.optim.Optim;
import dev.graft.optim.Paging;
import dev.graft.quant.FourBitCode;
import dev.graft.quant.Quantization;
import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.train.Evaluation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The plan's bytes against those of real tensors in real passes.
class MeasuredTest {
    @TempDir private Path folder;

    /// Whatever is not a tensor.
    private static final List<String> NOT_TENSORS =
            List.of("runtime", "heap", "libraries", "base", "inputs", "inputs_file");

    static Batch batch(int sequences, int length, int vocabulary) {
        var random = new Random(3);
        List<Example> examples = new ArrayList<>();
        for (int i = 0; i < sequences; i++) {
            examples.add(Example.allTrained(random.ints(length, 0, vocabulary).toArray()));
        }
        return Batch.of(examples);
    }

    private static long tensors(Bill bill) {
        return bill.parts().stream()
                .filter(p -> !NOT_TENSORS.contains(p.key()))
                .mapToLong(Part::bytes)
                .sum();
    }

    /// Bytes of tensors: after the forward pass, and at the worst moment of a step.
    private record Measured(long kept, long peak) {}

    private Measured step(
            Golden.Model model, Collection<Parameter> parameters, Job job, long before) {
        BatchShape shape = job.batch();
        Batch batch = batch(shape.sequences(), shape.longest(), job.model().vocabulary());
        try (var optimizer = optimizer(parameters, job.optimizer().optim())) {
            pass(model, batch, job.recomputation()); // makes the scratch buffers
            Scope.resetPeak();
            long kept = pass(model, batch, job.recomputation());
            optimizer.gradientNorm();
            optimizer.step(1e-3, 1);
            return new Measured(kept, Scope.peakBytes() - before - Losses.SUM_BYTES);
        }
    }

    static AdamW optimizer(Collection<Parameter> parameters, Optim optim) {
        var settings = new AdamW.Settings(0.9, 0.999, 1e-8, 0, optim, Paging.TEMPORARY);
        return new AdamW(List.copyOf(parameters), settings, _ -> true);
    }

    /// @param folder for what is offloaded on a processor
    static Recompute recompute(Recomputation policy, Path folder) {
        return switch (policy) {
            case NONE -> new Recompute.None();
            case MLP -> new Recompute.Mlp();
            case LAYER -> new Recompute.Layer();
            case OFFLOAD -> new Recompute.Offload(folder);
        };
    }

    /// Returns what the forward pass keeps.
    private long pass(Golden.Model model, Batch batch, Recomputation policy) {
        try (var _ = Scope.open("micro-batch");
                var tape = Tape.recording(model.workspace, 1, recompute(policy, folder))) {
            long before = Scope.liveBytes();
            Losses.of(
                    model.transformer,
                    tape,
                    batch.ids(),
                    batch.positions(),
                    batch.offsets(),
                    batch.labels(),
                    1);
            long kept = Scope.liveBytes() - before - Losses.SUM_BYTES;
            tape.backward();
            return kept;
        }
    }

    private void check(Job job, Measured measured) {
        Bill bill = Bill.of(job);
        long dHidden = 4 * job.batch().tokens() * job.model().hidden();
        assertThat(measured.kept())
                .as(job.recomputation().toString())
                .isEqualTo(bill.bytes("activations") + dHidden);
        assertThat((double) measured.peak())
                .as("%s %s", job.recomputation(), bill.parts())
                .isCloseTo((double) tensors(bill), within(0.001 * tensors(bill)));
    }

    private void checkAdapter(String name, LoraConfig lora, int sequences, int length) {
        long before = Scope.liveBytes();
        try (var model = new Golden.Model(name, DType.F32);
                var adapter = Adapter.attach(model.transformer, lora, 1)) {
            var config = model.transformer.config();
            Job job = Job.of(config, new Tuning.Lora(lora), BatchShape.of(sequences, length));
            for (Recomputation policy : Recomputation.values()) {
                Job again = job.with(policy);
                check(again, step(model, adapter.parameters().values(), again, before));
            }
        }
        assertThat(Scope.liveBytes()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({
        "llama-tiny, 1, 40, 0",
        "llama-tiny, 3, 24, 0",
        "llama-tiny, 2, 100, 0.1",
        "variants/bias, 2, 30, 0",
        "variants/bf16, 2, 30, 0",
        "variants/tied, 2, 30, 0",
        "families/mistral, 2, 150, 0",
        "families/qwen2, 2, 30, 0",
        "families/qwen3, 1, 40, 0",
        "families/qwen3, 2, 100, 0.1",
        "families/gemma, 2, 30, 0",
        "families/gemma2, 2, 30, 0",
        "families/gemma2, 1, 200, 0.1",
        "families/gemma3_text, 2, 90, 0",
        "families/gemma3, 2, 30, 0",
        "families/phi3, 2, 30, 0",
        "families/phi3, 1, 130, 0.1",
        "families/phi3-longrope, 2, 40, 0",
        "families/smollm3, 2, 80, 0",
        "families/granite, 2, 30, 0.1",
        "families/granite, 2, 30, 0",
        "families/olmo2, 2, 30, 0",
        "families/olmo2, 1, 90, 0.1"
    })
    void adapterTrainingHoldsWhatThePlanSays(
            String name, int sequences, int length, double dropout) {
        checkAdapter(name, LoraConfig.allLinear(4, 8).withDropout(dropout), sequences, length);
    }

    /// More tokens than are passed through feed-forward blocks at once.
    @ParameterizedTest
    @CsvSource({
        "llama-tiny, 0",
        "llama-tiny, 0.1",
        "families/gemma2, 0",
        "families/phi3, 0.1",
        "families/granite, 0",
        "families/olmo2, 0"
    })
    void tilesHoldWhatThePlanSays(String name, double dropout) {
        checkAdapter(name, LoraConfig.allLinear(4, 8).withDropout(dropout), 90, 50);
        checkAdapter(name, Configs.lora(4, "down_proj").withDropout(dropout), 90, 50);
    }

    @ParameterizedTest
    @CsvSource({"llama-tiny, 3, 24", "variants/bf16, 2, 30", "variants/tied, 2, 130"})
    void productsInBfloat16HoldWhatThePlanSays(String name, int sequences, int length) {
        long before = Scope.liveBytes();
        LoraConfig lora = LoraConfig.allLinear(4, 8);
        var workspace = new Workspace(DType.BF16);
        try (var model =
                        new Golden.Model(
                                Golden.folder(name), DType.F32, LoadOptions.PLAIN, workspace);
                var adapter = Adapter.attach(model.transformer, lora, 1)) {
            var config = model.transformer.config();
            Job job = Job.of(config, new Tuning.Lora(lora), BatchShape.of(sequences, length));
            job = job.with(job.base().multiplied(DType.BF16));
            check(job, step(model, adapter.parameters().values(), job, before));
        }
        assertThat(Scope.liveBytes()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"q_proj", "v_proj,down_proj", "up_proj", "o_proj", "gate_proj,k_proj"})
    void someModulesHoldWhatThePlanSays(String modules) {
        checkAdapter("llama-tiny", Configs.lora(4, modules.split(",")), 2, 60);
        checkAdapter("llama-tiny", Configs.lora(4, modules.split(",")).withDropout(0.2), 2, 60);
    }

    @ParameterizedTest
    @CsvSource({
        "qwen3, q_proj",
        "qwen3, k_proj|down_proj",
        "qwen3, v_proj",
        "qwen3, gate_proj",
        "gemma2, q_proj",
        "gemma2, v_proj|up_proj",
        "gemma2, o_proj",
        "phi3, qkv_proj",
        "phi3, gate_up_proj",
        "phi3, o_proj|down_proj",
        "olmo2, q_proj|v_proj",
        "olmo2, k_proj",
        "olmo2, down_proj",
        "granite, up_proj"
    })
    void anyModulesOfAFamilyHoldWhatThePlanSays(String family, String modules) {
        LoraConfig lora = Configs.lora(4, modules.split("\\|"));
        checkAdapter("families/" + family, lora, 2, 60);
        checkAdapter("families/" + family, lora.withDropout(0.2), 2, 60);
    }

    @ParameterizedTest
    @CsvSource({
        "mixtral, 1, 20",
        "mixtral, 2, 90",
        "qwen3_moe, 2, 40",
        "qwen3_moe-normalized, 2, 60"
    })
    void expertsHoldNoMoreThanThePlanSays(String family, int sequences, int length) {
        LoraConfig lora = LoraConfig.allLinear(4, 8);
        long before = Scope.liveBytes();
        try (var model = new Golden.Model("families/" + family, DType.F32);
                var adapter = Adapter.attach(model.transformer, lora, 1)) {
            var config = model.transformer.config();
            Job job = Job.of(config, new Tuning.Lora(lora), BatchShape.of(sequences, length));
            for (Recomputation policy : Recomputation.values()) {
                Job again = job.with(policy);
                Bill bill = Bill.of(again);
                var measured = step(model, adapter.parameters().values(), again, before);
                assertThat(measured.peak())
                        .as("%s %s", policy, bill.parts())
                        .isBetween(tensors(bill) / 3, tensors(bill));
            }
        }
        assertThat(Scope.liveBytes()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({
        "llama-tiny, 2, 40",
        "variants/bf16, 2, 30",
        "variants/tied, 2, 30",
        "families/qwen3, 2, 60",
        "families/gemma2, 2, 60",
        "families/phi3, 2, 60",
        "families/granite, 2, 60",
        "families/olmo2, 2, 60"
    })
    void fullTrainingHoldsWhatThePlanSays(String name, int sequences, int length) {
        long before = Scope.liveBytes();
        try (var model = new Golden.Model(name, DType.F32)) {
            List<Parameter> parameters = FullTuning.attach(model.transformer);
            var config = model.transformer.config();
            Job job = Job.of(config, new Tuning.Full(), BatchShape.of(sequences, length));
            for (Recomputation policy : Recomputation.values()) {
                Job again = job.with(policy);
                check(again, step(model, parameters, again, before));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Optim.class)
    void momentsTakeWhatThePlanSays(Optim optim) {
        try (var model = new Golden.Model("llama-tiny", DType.F32)) {
            List<Parameter> parameters = FullTuning.attach(model.transformer);
            Job job =
                    Job.of(model.transformer.config(), new Tuning.Full(), BatchShape.of(1, 8))
                            .with(OptimizerState.of(optim));
            long before = Scope.liveBytes();
            try (var _ = optimizer(parameters, optim)) {
                assertThat(Scope.liveBytes() - before).isEqualTo(Bill.of(job).bytes("optimizer"));
            }
        }
    }

    static Stream<Quantization> codes() {
        return Stream.of(
                Quantization.FourBit.DEFAULT,
                new Quantization.FourBit(FourBitCode.FP4, 32, false),
                new Quantization.Int8());
    }

    @ParameterizedTest
    @MethodSource("codes")
    void codesTakeWhatThePlanSays(Quantization how) {
        Path base = Golden.folder("variants/bf16");
        ModelConfig config = ModelConfig.read(base);
        long before = Scope.liveBytes();
        var options = new LoadOptions(how, null, BaseResidency.AUTO, Device.CPU, (_, _) -> {});
        try (var files = ModelFiles.open(base);
                var _ = ModelLoader.load(config, files, DType.F32, options)) {
            Tuning lora = new Tuning.Lora(LoraConfig.allLinear(2, 2));
            Job job = Job.of(config, lora, BatchShape.of(1, 8));
            Bill bill =
                    Bill.of(
                            job.with(
                                    job.base()
                                            .with(
                                                    new QuantizationConfig(
                                                            how, List.of("lm_head")))));
            long planned = bill.bytes("codes") + bill.bytes("scales") + bill.bytes("widened");
            long offsets = how instanceof Quantization.FourBit f && f.doubleQuant() ? 4 : 0;
            // the offset of the block maxima is a field, no tensor
            assertThat(Scope.liveBytes() - before)
                    .isEqualTo(planned - 7L * config.layers() * offsets);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "llama-tiny, 8",
        "llama-tiny, 90",
        "families/qwen3, 8",
        "families/gemma2, 8",
        "families/gemma2, 90",
        "families/phi3, 8",
        "families/olmo2, 8"
    })
    void evaluationHoldsOneLayer(String name, int sequences) {
        try (var model = new Golden.Model(name, DType.F32)) {
            var config = model.transformer.config();
            List<Batch> batches = List.of(batch(sequences, 50, config.vocabulary()));
            Evaluation.of(model.transformer, batches, model.workspace);
            long before = Scope.liveBytes();
            Scope.resetPeak();
            Evaluation.of(model.transformer, batches, model.workspace);
            Tuning none = new Tuning.Lora(LoraConfig.allLinear(1, 1));
            Job job =
                    Job.of(config, none, BatchShape.of(1, 2))
                            .evaluating(BatchShape.of(sequences, 50));
            Bill bill = Bill.of(job);
            long planned =
                    bill.bytes("activations") + bill.bytes("backward") + bill.bytes("beyond");
            assertThat((double) (Scope.peakBytes() - before))
                    .isCloseTo((double) planned, within(0.01 * planned));
        }
    }
}
