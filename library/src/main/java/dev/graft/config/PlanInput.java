package dev.graft.config;

import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.PeftFiles;
import dev.graft.model.ModelConfig;
import dev.graft.plan.BatchShape;
import dev.graft.plan.Job;
import dev.graft.plan.Tuning;
import java.nio.file.Path;
import java.util.Optional;

/// What a config means for the plan.
public final class PlanInput {
    private PlanInput() {}

    /// The run before its data are known: every sequence as long as `max_length`.
    public static Job of(RunConfig config, ModelConfig model) {
        int length = Math.min(config.data().maxLength(), model.contextLength());
        var train = config.train();
        Job job =
                Job.of(
                        model,
                        tuning(config),
                        BatchShape.of(train.perDeviceTrainBatchSize(), length));
        boolean evaluates = train.evaluation().strategy() != IntervalStrategy.NO;
        int evaluated = train.evaluation().perDeviceEvalBatchSize();
        return evaluates ? job.evaluating(BatchShape.of(evaluated, length)) : job;
    }

    private static Tuning tuning(RunConfig config) {
        return switch (config.model().finetuningType()) {
            case FULL -> new Tuning.Full();
            case LORA -> new Tuning.Lora(adapter(config));
        };
    }

    private static LoraConfig adapter(RunConfig config) {
        Optional<String> existing = config.model().adapterNameOrPath();
        return existing.isEmpty()
                ? config.lora().adapter(config.model().modelNameOrPath())
                : PeftFiles.readConfig(Path.of(existing.get()))
                        .withDropout(config.lora().loraDropout());
    }
}
