package dev.graft.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.data.Batch;
import dev.graft.data.Example;
import dev.graft.golden.Golden;
import dev.graft.model.FullTuning;
import dev.graft.nn.Parameter;
import dev.graft.nn.Tape;
import dev.graft.optim.AdamW;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.train.Evaluation;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The plan's bytes against those of real tensors in real passes.
class MeasuredTest {
    /// Whatever is not a tensor.
    private static final List<String> NOT_TENSORS = List.of("runtime", "heap", "libraries", "base");

    private static List<Batch> batch(int sequences, int length, int vocabulary) {
        var random = new Random(3);
        List<Example> examples = new ArrayList<>();
        for (int i = 0; i < sequences; i++) {
            examples.add(Example.allTrained(random.ints(length, 0, vocabulary).toArray()));
        }
        return List.of(Batch.of(examples));
    }

    private static long tensors(Bill bill) {
        return bill.parts().stream()
                .filter(p -> !NOT_TENSORS.contains(p.key()))
                .mapToLong(Part::bytes)
                .sum();
    }

    /// Bytes of tensors: after the forward pass, and at the worst moment of a step.
    private record Measured(long kept, long peak) {}

    private static Measured step(
            Golden.Model model, List<Parameter> parameters, Batch batch, long before) {
        try (var optimizer = new AdamW(parameters, AdamW.Settings.DEFAULT, _ -> true)) {
            long kept = pass(model, batch); // the first one makes the scratch buffers
            Scope.resetPeak();
            kept = pass(model, batch);
            optimizer.gradientNorm();
            optimizer.step(1e-3, 1);
            return new Measured(kept, Scope.peakLiveBytes() - before);
        }
    }

    /// Returns what the forward pass keeps.
    private static long pass(Golden.Model model, Batch batch) {
        try (var _ = Scope.open("micro-batch");
                var tape = Tape.recording(model.workspace, 1)) {
            long before = Scope.liveBytes();
            model.transformer.loss(
                    tape, batch.ids(), batch.positions(), batch.offsets(), batch.labels(), 1);
            long kept = Scope.liveBytes() - before;
            tape.backward();
            return kept;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "llama-tiny, 1, 40, 0",
        "llama-tiny, 3, 24, 0",
        "llama-tiny, 2, 100, 0.1",
        "variants/bias, 2, 30, 0",
        "variants/bf16, 2, 30, 0",
        "variants/tied, 2, 30, 0"
    })
    void adapterTrainingHoldsWhatThePlanSays(
            String name, int sequences, int length, double dropout) {
        long before = Scope.liveBytes();
        LoraConfig lora = LoraConfig.allLinear(4, 8).withDropout(dropout);
        try (var model = new Golden.Model(name, DType.F32);
                var adapter = Adapter.attach(model.transformer, lora, 1)) {
            var config = model.transformer.config();
            Job job = Job.of(config, new Tuning.Lora(lora), BatchShape.of(sequences, length));
            check(
                    job,
                    step(
                            model,
                            List.copyOf(adapter.parameters().values()),
                            batch(sequences, length, config.vocabulary()).getFirst(),
                            before));
        }
        assertThat(Scope.liveBytes()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({"llama-tiny, 2, 40", "variants/bf16, 2, 30", "variants/tied, 2, 30"})
    void fullTrainingHoldsWhatThePlanSays(String name, int sequences, int length) {
        long before = Scope.liveBytes();
        try (var model = new Golden.Model(name, DType.F32)) {
            long loaded = Scope.liveBytes() - before; // widened norms, which are then replaced
            List<Parameter> parameters = FullTuning.attach(model.transformer);
            var config = model.transformer.config();
            Job job = Job.of(config, new Tuning.Full(), BatchShape.of(sequences, length));
            check(
                    job,
                    step(
                            model,
                            parameters,
                            batch(sequences, length, config.vocabulary()).getFirst(),
                            before + loaded));
        }
    }

    private static void check(Job job, Measured measured) {
        Bill bill = Bill.of(job);
        long dHidden = 4 * job.batch().tokens() * job.model().hidden();
        assertThat(measured.kept()).isEqualTo(bill.bytes("activations") + dHidden);
        assertThat((double) measured.peak())
                .as("%s", bill.parts())
                .isCloseTo(tensors(bill), within(0.01 * tensors(bill)));
    }

    @Test
    void evaluationHoldsOneLayer() {
        try (var model = new Golden.Model("llama-tiny", DType.F32)) {
            var config = model.transformer.config();
            List<Batch> batches = batch(8, 50, config.vocabulary());
            Evaluation.of(model.transformer, batches, model.workspace);
            long before = Scope.liveBytes();
            Scope.resetPeak();
            Evaluation.of(model.transformer, batches, model.workspace);
            Tuning none = new Tuning.Lora(LoraConfig.allLinear(1, 1));
            Job job = Job.of(config, none, BatchShape.of(1, 2)).evaluating(BatchShape.of(8, 50));
            Bill bill = Bill.of(job);
            long planned =
                    bill.bytes("activations") + bill.bytes("backward") + bill.bytes("beyond");
            assertThat((double) (Scope.peakLiveBytes() - before))
                    .isCloseTo(planned, within(0.01 * planned));
        }
    }
}
