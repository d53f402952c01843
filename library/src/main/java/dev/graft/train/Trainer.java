package dev.graft.train;

import dev.graft.data.Batch;
import dev.graft.data.BatchStream;
import dev.graft.data.SampleOrder;
import dev.graft.error.TrainingException;
import dev.graft.model.Transformer;
import dev.graft.nn.Workspace;
import dev.graft.optim.AdamW;
import dev.graft.optim.Decay;
import dev.graft.profile.Profile;
import dev.graft.tensor.CardMemory;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.Torch;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// The loop: accumulate the gradients of a step's micro-batches, divided by the trained tokens of
/// the whole step; clip; step; now and then evaluate and save.
public final class Trainer implements AutoCloseable {
    private final Transformer model;
    private final Trained trained;
    private final BatchStream batches;
    private final List<Batch> heldOut;
    private final TrainSettings settings;
    private final Checkpoints checkpoints;
    private final Consumer<TrainEvent> listener;
    private final AdamW optimizer;
    private final Workspace workspace;
    private final Passes passes;
    private final LossScale scale;
    private volatile boolean interrupted;

    private int step;
    private long tokens;
    private double lossSum;
    private double secondsBefore;
    private long startedAt;
    private TrainEvent.FirstStep firstStep;

    /// @param heldOut batches to evaluate on, may be empty
    public Trainer(
            Transformer model,
            Trained trained,
            BatchStream batches,
            List<Batch> heldOut,
            TrainSettings settings,
            Checkpoints checkpoints,
            Consumer<TrainEvent> listener) {
        this.model = model;
        this.trained = trained;
        this.batches = batches;
        this.heldOut = heldOut;
        this.settings = settings;
        this.workspace = new Workspace(settings.bf16() ? DType.BF16 : DType.F32);
        this.passes = passes(model, settings, workspace);
        this.scale = LossScale.of(model.compute());
        this.checkpoints = checkpoints;
        this.listener = listener;
        this.optimizer = new AdamW(trained.parameters(), settings.adamW(), Decay::applies);
    }

    private static Passes passes(Transformer model, TrainSettings settings, Workspace workspace) {
        var asked = new Passes.Asked(model, settings.recompute(), workspace);
        return settings.cudaGraphs()
                ? new RecordedPasses(model, settings.recompute(), asked)
                : asked;
    }

    /// Goes on from a checkpoint.
    public void resume(Path checkpoint) {
        Checkpoints.State state = checkpoints.read(checkpoint, trained, optimizer);
        batches.seek(state.cursor());
        step = state.step();
        tokens = state.tokens();
        lossSum = state.lossSum();
        secondsBefore = state.seconds();
        scale.restore(state.scale());
        if (state.threads() != Torch.threads()) {
            listener.accept(
                    new TrainEvent.Warned(
                            "the checkpoint was computed by %d threads, this run has %d: the last digits will differ from an uninterrupted run's; set OMP_NUM_THREADS=%d for equal ones"
                                    .formatted(state.threads(), Torch.threads(), state.threads())));
        }
    }

    /// Asks the loop to save and stop after the step that is running; from any thread.
    public void interrupt() {
        interrupted = true;
    }

    /// Runs to the last step.
    ///
    /// @return whether the run is complete, rather than interrupted
    /// @throws TrainingException if the loss is not a number
    public boolean run() {
        try (var _ = Scope.open("training", model.device())) {
            return runAll();
        }
    }

    private boolean runAll() {
        startedAt = System.nanoTime();
        long parameters = trained.parameters().stream().mapToLong(p -> p.value().numel()).sum();
        listener.accept(new TrainEvent.Started(settings.totalSteps(), step, parameters));
        if (step == 0) {
            evaluate();
        }
        while (step < settings.totalSteps()) {
            if (interrupted) {
                save();
                listener.accept(new TrainEvent.Interrupted(step));
                return false;
            }
            long begin = System.nanoTime();
            step();
            if (firstStep == null) {
                firstStep = sinceStart(begin, System.nanoTime());
            }
            boolean last = step == settings.totalSteps();
            if (last || due(settings.evalEvery())) {
                evaluate();
            }
            if (!last && due(settings.saveEvery())) {
                save();
            }
        }
        listener.accept(
                new TrainEvent.Finished(
                        step, seconds(), lossSum / step, Optional.ofNullable(firstStep)));
        return true;
    }

    /// Asked when the step is over, since the bean is loaded on first use.
    private static TrainEvent.FirstStep sinceStart(long began, long ended) {
        double now = ManagementFactory.getRuntimeMXBean().getUptime() / 1e3;
        long at = System.nanoTime();
        return new TrainEvent.FirstStep(now - (at - began) / 1e9, now - (at - ended) / 1e9);
    }

    private boolean due(int every) {
        return every > 0 && step % every == 0;
    }

    private void step() {
        try (var _ = Profile.step()) {
            takeStep();
        }
    }

    private void takeStep() {
        long begin = System.nanoTime();
        List<Batch> micros;
        try (var _ = Profile.operation("data")) {
            micros = nextMicroBatches();
        }
        long stepTokens = micros.stream().mapToLong(Batch::tokens).sum();
        Gradients found = gradients(micros);
        while (scale.relieves(found.loss(), found.norm())) {
            optimizer.clearGradients();
            found = gradients(micros);
        }
        double loss = found.loss();
        double norm = found.norm();
        checkFinite(loss, norm);
        double max = settings.maxGradNorm();
        double clip = max > 0 ? Math.min(1, max / (norm + 1e-6)) : 1;
        double rate = settings.learningRate() * settings.schedule().at(step);
        try (var _ = Profile.operation("optimizer")) {
            optimizer.step(rate, clip / scale.factor());
        }
        scale.taken();
        step++;
        tokens += stepTokens;
        lossSum += loss;
        listener.accept(
                new TrainEvent.Step(
                        step,
                        epoch(),
                        loss,
                        norm,
                        rate,
                        stepTokens,
                        tokens,
                        seconds(),
                        (System.nanoTime() - begin) / 1e9,
                        peakBytes()));
    }

    private long peakBytes() {
        Device device = model.device();
        return device.isCard() ? CardMemory.peakBytes(device) : Torch.peakResidentBytes();
    }

    /// A step ends with its epoch, however few micro-batches are left, as in Transformers.
    private List<Batch> nextMicroBatches() {
        List<Batch> micros = new ArrayList<>();
        do {
            micros.add(batches.next());
        } while (micros.size() < settings.accumulation() && batches.cursor().position() > 0);
        return micros;
    }

    /// What the host reads of a step.
    ///
    /// @param loss mean over the trained tokens
    /// @param norm of the gradients, before clipping
    private record Gradients(double loss, double norm) {}

    /// Adds the gradients of the micro-batches to the parameters.
    private Gradients gradients(List<Batch> micros) {
        long labelled = micros.stream().mapToLong(Batch::trainedTokens).sum();
        try (var _ = Scope.open("step")) {
            Tensor sum = Tensor.zeros(DType.F64, 1);
            Tensor squares = Tensor.zeros(DType.F64, 1);
            addGradients(micros, labelled, sum);
            try (var _ = Profile.operation("gradient norm")) {
                optimizer.addSquares(squares);
                // here the host waits for all that it has asked a card for
                double norm = Math.sqrt(squares.item()) / scale.factor();
                return new Gradients(sum.item() / labelled, norm);
            }
        }
    }

    private void addGradients(List<Batch> micros, long labelled, Tensor sum) {
        for (int i = 0; i < micros.size(); i++) {
            long dropoutSeed = settings.seed() * 0x9E3779B97F4A7C15L + step * 1_000_003L + i;
            passes.add(micros.get(i), dropoutSeed, scale.factor() / labelled, sum);
        }
    }

    private void checkFinite(double loss, double norm) {
        if (Double.isFinite(loss) && Double.isFinite(norm)) {
            return;
        }
        SampleOrder.Cursor next = batches.cursor();
        throw new TrainingException(
                "step %d: the loss is %s and the gradient norm %s in the batch that ends before example %d of epoch %d (seed %d); the parameters were not changed by it: lower learning_rate, or look at the data there%s"
                        .formatted(
                                step + 1,
                                loss,
                                norm,
                                next.position(),
                                next.epoch(),
                                settings.seed(),
                                model.compute() == DType.F16
                                        ? "; float16 ends at 65,504, bnb_4bit_compute_dtype: float32 goes further"
                                        : ""));
    }

    private double epoch() {
        SampleOrder.Cursor at = batches.cursor();
        return batches.examples().isPresent()
                ? at.epoch() + (double) at.position() / batches.examples().getAsInt()
                : at.epoch();
    }

    private void evaluate() {
        if (!heldOut.isEmpty()) {
            Evaluation.Result result = Evaluation.of(model, heldOut, workspace);
            listener.accept(new TrainEvent.Evaluated(step, result.loss(), result.tokens()));
        }
    }

    private void save() {
        var state =
                new Checkpoints.State(
                        step,
                        batches.cursor(),
                        tokens,
                        lossSum,
                        seconds(),
                        Torch.threads(),
                        scale.state());
        listener.accept(new TrainEvent.Saved(step, checkpoints.write(state, trained, optimizer)));
    }

    private double seconds() {
        return secondsBefore + (System.nanoTime() - startedAt) / 1e9;
    }

    @Override
    public void close() {
        passes.close();
        optimizer.close();
        workspace.close();
    }
}
