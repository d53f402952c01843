package dev.graft;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.PeftFiles;
import dev.graft.config.FinetuningType;
import dev.graft.config.IntervalStrategy;
import dev.graft.config.Placement;
import dev.graft.config.Resume;
import dev.graft.config.RunConfig;
import dev.graft.data.Finding;
import dev.graft.data.Tokenizer;
import dev.graft.disk.AtomicFile;
import dev.graft.error.ConfigException;
import dev.graft.export.ModelFolderWriter;
import dev.graft.format.ModelFiles;
import dev.graft.model.FullTuning;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLoader;
import dev.graft.model.Transformer;
import dev.graft.nn.Recompute;
import dev.graft.optim.AdamW;
import dev.graft.optim.Paging;
import dev.graft.optim.Schedule;
import dev.graft.plan.Bill;
import dev.graft.tensor.Torch;
import dev.graft.train.AdapterTraining;
import dev.graft.train.Checkpoints;
import dev.graft.train.FullTraining;
import dev.graft.train.MemoryWatch;
import dev.graft.train.MetricsFile;
import dev.graft.train.TrainEvent;
import dev.graft.train.TrainSettings;
import dev.graft.train.Trained;
import dev.graft.train.Trainer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// A fine-tuning run from its config to its files, in one readable line: data, model, what is
/// trained, steps, output.
///
/// ```java
/// new Finetune(RunConfigReader.read(Path.of("run.yaml"), Map.of()), event -> {}).run();
/// ```
public final class Finetune {
    private final RunConfig config;
    private final Consumer<TrainEvent> listener;
    private final List<String> decisions = new ArrayList<>();
    private Placement placement;
    private volatile Trainer running;
    private volatile boolean interrupted;

    /// @param listener told what happens; `metrics.jsonl` is written besides
    public Finetune(RunConfig config, Consumer<TrainEvent> listener) {
        this.config = config;
        this.listener = listener;
    }

    /// Asks a running `run` to save a checkpoint and return; from any thread.
    public void interrupt() {
        interrupted = true;
        Trainer trainer = running;
        if (trainer != null) {
            trainer.interrupt();
        }
    }

    /// Runs to the end, or until interrupted.
    ///
    /// @return whether the run is complete
    /// @throws dev.graft.error.GraftException if it cannot; nothing half-written is left
    public boolean run() {
        Path output = config.output().outputDir();
        Optional<Path> checkpoint = checkOutput(output);
        Path base = config.model().folder();
        placement = config.placement();
        refuseOnCard();
        refuseOnProcessor();
        ModelConfig modelConfig = ModelConfig.read(base);
        Budget budget = Budget.of(config, modelConfig);
        try (var files = ModelFiles.open(base);
                var tokenizer = Tokenizer.load(base)) {
            decisions.add(placement.text(config.train().bf16()));
            try (var data = TrainingData.of(config, tokenizer, modelConfig, decisions)) {
                Bill bill = budget.bill(files, tokenizer, data.largest(), data.heldOut());
                decisions.addAll(budget.decisions(bill));
                heed(data.findings());
                announce(modelConfig, bill, data);
                data.findings().stream()
                        .filter(f -> f.level() == Finding.Level.WARNING)
                        .forEach(f -> listener.accept(new TrainEvent.Warned(f.toString())));
                return train(modelConfig, files, bill, data, output, checkpoint);
            }
        }
    }

    /// Refuses what is made for a processor's memory.
    private void refuseOnCard() {
        if (!placement.device().isCpu() && config.optimizer().optimMemory() > 0) {
            throw new ConfigException(
                    "optim_memory: on %s paged moments lie in the host's memory, all of them; leave it out"
                            .formatted(placement.device()));
        }
    }

    /// Refuses what is made for a card.
    private void refuseOnProcessor() {
        if (!placement.device().isCard() && config.train().cudaGraphs()) {
            throw new ConfigException(
                    "cuda_graphs: found device %s, expected a card; leave it out"
                            .formatted(placement.device()));
        }
    }

    /// Refuses data that would teach something wrong.
    private void heed(List<Finding> findings) {
        findings.stream()
                .filter(f -> f.level() == Finding.Level.ERROR && !config.output().force())
                .findFirst()
                .ifPresent(
                        f -> {
                            throw new ConfigException(f + "; force: true trains all the same");
                        });
    }

    private boolean train(
            ModelConfig modelConfig,
            ModelFiles files,
            Bill bill,
            TrainingData data,
            Path output,
            Optional<Path> checkpoint) {
        try (var model = load(modelConfig, files);
                var memory = new MemoryWatch()) {
            boolean complete = train(model, files, bill, data, output, checkpoint);
            listener.accept(
                    new TrainEvent.Measured(
                            bill, Torch.peakResidentBytes(), memory.peakAnonymousBytes()));
            return complete;
        }
    }

    private Transformer load(ModelConfig modelConfig, ModelFiles files) {
        var options =
                config.quantization()
                        .load()
                        .on(placement.device())
                        .whole(config.model().finetuningType() == FinetuningType.FULL)
                        .withProgress(
                                (done, total) ->
                                        listener.accept(new TrainEvent.Loading(done, total)));
        return ModelLoader.load(modelConfig, files, placement.compute(), options);
    }

    private boolean train(
            Transformer model,
            ModelFiles files,
            Bill bill,
            TrainingData data,
            Path output,
            Optional<Path> checkpoint) {
        TrainSettings settings = settings(data, bill);
        var metrics = new MetricsFile(output, config.output().loggingSteps());
        try (Tuning tuning = tuning(model)) {
            Trained trained = tuning.trained();
            var checkpoints =
                    new Checkpoints(output, settings.keep(), fingerprint(settings, data, trained));
            try (var trainer =
                    new Trainer(
                            model,
                            trained,
                            data.batches(),
                            data.heldOut(),
                            settings,
                            checkpoints,
                            metrics.andThen(listener))) {
                checkpoint.ifPresent(trainer::resume);
                running = trainer;
                if (interrupted) {
                    trainer.interrupt();
                }
                AtomicFile.write(output.resolve("graft.yaml"), config.toYaml());
                if (!trainer.run()) {
                    return false;
                }
                save(model, files, trained, output);
                return true;
            } finally {
                running = null;
            }
        }
    }

    /// Refuses to mix two runs in one folder; finds the checkpoint to go on from.
    private Optional<Path> checkOutput(Path output) {
        Resume resume = config.output().resumeFromCheckpoint();
        if (resume instanceof Resume.From(Path named)) {
            return Optional.of(named);
        }
        if (resume instanceof Resume.Latest) {
            Optional<Path> latest = new Checkpoints(output, 0, "").latest();
            if (latest.isEmpty()) {
                decisions.add("resume: no checkpoint in " + output + ", so the run begins anew");
            }
            return latest;
        }
        if (!config.output().overwriteOutputDir()) {
            ModelFolderWriter.requireEmpty(
                    "output_dir",
                    output,
                    "choose another folder, or set resume_from_checkpoint: true to go on with its run, or overwrite_output_dir: true");
        }
        return Optional.empty();
    }

    /// What the backward pass computes again instead of keeping it.
    private static Recompute recompute(Bill bill, Path output) {
        return switch (bill.job().recomputation()) {
            case NONE -> new Recompute.None();
            case MLP -> new Recompute.Mlp();
            case LAYER -> new Recompute.Layer();
            case OFFLOAD -> new Recompute.Offload(output);
        };
    }

    private TrainSettings settings(TrainingData data, Bill bill) {
        var train = config.train();
        var optimizer = config.optimizer();
        int perEpoch =
                Math.ceilDiv(
                        data.microBatchesPerEpoch(train.perDeviceTrainBatchSize()),
                        train.gradientAccumulationSteps());
        int total =
                train.maxSteps() > 0
                        ? train.maxSteps()
                        : (int) Math.ceil(train.numTrainEpochs() * perEpoch);
        var schedule = optimizer.schedule();
        return new TrainSettings(
                total,
                train.gradientAccumulationSteps(),
                optimizer.learningRate(),
                optimizer.maxGradNorm(),
                new AdamW.Settings(
                        optimizer.adamBeta1(),
                        optimizer.adamBeta2(),
                        optimizer.adamEpsilon(),
                        optimizer.weightDecay(),
                        optimizer.optim(),
                        new Paging(config.output().outputDir(), optimizer.optimMemory())),
                new Schedule(
                        Schedule.Course.valueOf(schedule.type().name()),
                        schedule.warmupSteps(total),
                        total),
                every(train.evaluation().strategy(), train.evaluation().steps(), perEpoch),
                every(train.checkpoints().strategy(), train.checkpoints().steps(), perEpoch),
                train.checkpoints().totalLimit(),
                recompute(bill, config.output().outputDir()),
                train.bf16(),
                train.cudaGraphs(),
                train.seed());
    }

    private static int every(IntervalStrategy strategy, int steps, int perEpoch) {
        return switch (strategy) {
            case NO -> 0;
            case STEPS -> steps;
            case EPOCH -> perEpoch;
        };
    }

    /// What is trained, and how it is taken off the model again.
    private record Tuning(Trained trained, Adapter adapter) implements AutoCloseable {
        @Override
        public void close() {
            if (adapter != null) {
                adapter.close();
            }
        }
    }

    private Tuning tuning(Transformer model) {
        if (config.model().finetuningType() == FinetuningType.FULL) {
            return new Tuning(new FullTraining(FullTuning.attach(model)), null);
        }
        Adapter adapter = adapter(model);
        return new Tuning(new AdapterTraining(adapter), adapter);
    }

    private Adapter adapter(Transformer model) {
        Optional<Path> existing = config.model().adapterFolder();
        if (existing.isEmpty()) {
            LoraConfig lora = config.lora().adapter(config.model().modelNameOrPath());
            return Adapter.attach(model, lora, config.train().seed());
        }
        Path folder = existing.get();
        LoraConfig lora = PeftFiles.readConfig(folder).withDropout(config.lora().loraDropout());
        return PeftFiles.load(model, folder, lora);
    }

    private void announce(ModelConfig m, Bill bill, TrainingData data) {
        String name =
                "%s: %s, %d layers, hidden %d, vocabulary %,d"
                        .formatted(
                                config.model().modelNameOrPath(),
                                m.modelType(),
                                m.layers(),
                                m.hidden(),
                                m.vocabulary());
        listener.accept(
                new TrainEvent.Prepared(
                        bill, name, data.report(), data.heldOutExamples(), List.copyOf(decisions)));
    }

    /// What has to be equal for a checkpoint to belong to this run.
    private String fingerprint(TrainSettings settings, TrainingData data, Trained trained) {
        return "seed %d, shuffle %s, %s, batch %d x %d, %d steps, AdamW in %d bits, learning rate %s %s, %d parameters%s"
                .formatted(
                        settings.seed(),
                        config.data().shuffle(),
                        data.identity(),
                        config.train().perDeviceTrainBatchSize(),
                        settings.accumulation(),
                        settings.totalSteps(),
                        settings.adamW().optim().eightBit() ? 8 : 32,
                        settings.learningRate(),
                        settings.schedule().course(),
                        trained.parameters().stream().mapToLong(p -> p.value().numel()).sum(),
                        settings.bf16() ? ", bf16" : "");
    }

    private void save(Transformer model, ModelFiles files, Trained trained, Path output) {
        switch (trained) {
            case AdapterTraining adapter -> {
                ModelFolderWriter.copyTokenizer(files.folder(), output);
                adapter.write(output);
            }
            case FullTraining _ -> new ModelFolderWriter(model, files, null).write(output);
        }
    }
}
