package dev.graft.config;

import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.PeftFiles;
import dev.graft.model.LoadOptions;
import dev.graft.model.ModelConfig;
import dev.graft.plan.BaseStorage;
import dev.graft.plan.BatchShape;
import dev.graft.plan.Computation;
import dev.graft.plan.Fit;
import dev.graft.plan.Job;
import dev.graft.plan.OptimizerState;
import dev.graft.plan.Recomputation;
import dev.graft.plan.Tuning;
import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.Cards;
import dev.graft.tensor.DType;
import java.nio.file.Path;
import java.util.Optional;

/// What a config means for the plan.
public final class PlanInput {
    private PlanInput() {}

    /// The run before its data are known: every sequence as long as `max_length`.
    ///
    /// @param stored what the checkpoint says of its own codes, or null
    /// @param memory bytes that the run may use, which `gradient_checkpointing: auto` goes by
    public static Job of(
            RunConfig config, ModelConfig model, QuantizationConfig stored, long memory) {
        int length = Math.min(config.data().maxLength(), model.contextLength());
        var train = config.train();
        var optimizer = config.optimizer();
        Job job =
                Job.of(
                                model,
                                tuning(config),
                                BatchShape.of(train.perDeviceTrainBatchSize(), length))
                        .with(new OptimizerState(optimizer.optim(), optimizer.optimMemory()));
        job = job.with(base(config, stored, job.base())).with(computation(config));
        if (train.evaluation().strategy() != IntervalStrategy.NO) {
            int evaluated = train.evaluation().perDeviceEvalBatchSize();
            job = job.evaluating(BatchShape.of(evaluated, length));
        }
        return recomputing(config, job, memory);
    }

    /// The same run with the recomputation that the config names, or that its memory asks for.
    public static Job recomputing(RunConfig config, Job job, long memory) {
        return switch (config.train().gradientCheckpointing()) {
            case AUTO -> new Fit(memory).recomputingWhereNeeded(job);
            case NONE -> job.with(Recomputation.NONE);
            case MLP -> job.with(Recomputation.MLP);
            case LAYER -> job.with(Recomputation.LAYER);
            case OFFLOAD -> job.with(Recomputation.OFFLOAD);
        };
    }

    private static Computation computation(RunConfig config) {
        if (config.model().device().startsWith("cuda") && !Cards.here().usable()) {
            boolean wide = config.quantization().computeType() == ComputeType.FLOAT32;
            return onCard(config, wide ? DType.F32 : DType.BF16); // a card elsewhere
        }
        Placement placement = config.placement();
        return placement.device().isCpu()
                ? Computation.ON_PROCESSOR
                : onCard(config, placement.compute());
    }

    private static Computation onCard(RunConfig config, DType type) {
        return Computation.onCard(type).withGraphs(config.train().cudaGraphs());
    }

    private static BaseStorage base(
            RunConfig config, QuantizationConfig stored, BaseStorage plain) {
        QuantizationOptions options = config.quantization();
        LoadOptions load = options.load();
        QuantizationConfig codes =
                load.quantization() == null
                        ? stored
                        : new QuantizationConfig(load.quantization(), options.skipModules());
        return plain.with(codes)
                .with(options.baseResidency())
                .multiplied(config.train().bf16() ? DType.BF16 : DType.F32);
    }

    private static Tuning tuning(RunConfig config) {
        return switch (config.model().finetuningType()) {
            case FULL -> new Tuning.Full();
            case LORA -> new Tuning.Lora(adapter(config));
        };
    }

    private static LoraConfig adapter(RunConfig config) {
        Optional<Path> existing = config.model().adapterFolder();
        return existing.isEmpty()
                ? config.lora().adapter(config.model().modelNameOrPath())
                : PeftFiles.readConfig(existing.get()).withDropout(config.lora().loraDropout());
    }
}
