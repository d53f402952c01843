package dev.graft.config;

/// The length of the run, the size of a step, and what happens between steps.
///
/// @param bf16 whether products with frozen matrices are taken in bfloat16
/// @param cudaGraphs whether passes whose shape comes again are recorded for a card
/// @param maxSteps -1 where `num_train_epochs` decides
public record TrainOptions(
        double numTrainEpochs,
        int maxSteps,
        int perDeviceTrainBatchSize,
        int gradientAccumulationSteps,
        GradientCheckpointing gradientCheckpointing,
        boolean bf16,
        boolean cudaGraphs,
        long seed,
        Evaluation evaluation,
        Checkpoints checkpoints) {
    public TrainOptions {
        Keys.NUM_TRAIN_EPOCHS.check(numTrainEpochs);
        Keys.MAX_STEPS.check(maxSteps);
        Keys.TRAIN_BATCH.check(perDeviceTrainBatchSize);
        Keys.ACCUMULATION.check(gradientAccumulationSteps);
        Keys.SEED.check(seed);
    }

    /// When to evaluate.
    public record Evaluation(IntervalStrategy strategy, int steps, int perDeviceEvalBatchSize) {
        public Evaluation {
            Keys.EVAL_STEPS.check(steps);
            Keys.EVAL_BATCH.check(perDeviceEvalBatchSize);
        }
    }

    /// When to write a checkpoint.
    ///
    /// @param totalLimit how many are kept; 0 keeps all
    public record Checkpoints(IntervalStrategy strategy, int steps, int totalLimit) {
        public Checkpoints {
            Keys.SAVE_STEPS.check(steps);
            Keys.SAVE_TOTAL_LIMIT.check(totalLimit);
        }
    }
}
