package dev.graft.config;

import dev.graft.optim.Optim;

/// AdamW and its learning rate.
///
/// @param optimMemory bytes that a paged optimizer may keep in memory, 0 where the system decides
/// @param maxGradNorm 0 where the gradient is not clipped
public record OptimizerOptions(
        Optim optim,
        long optimMemory,
        double learningRate,
        double weightDecay,
        double adamBeta1,
        double adamBeta2,
        double adamEpsilon,
        double maxGradNorm,
        Schedule schedule) {
    public OptimizerOptions {
        Keys.OPTIM_MEMORY.check(optimMemory);
        Keys.LEARNING_RATE.check(learningRate);
        Keys.WEIGHT_DECAY.check(weightDecay);
        Keys.ADAM_BETA1.check(adamBeta1);
        Keys.ADAM_BETA2.check(adamBeta2);
        Keys.ADAM_EPSILON.check(adamEpsilon);
        Keys.MAX_GRAD_NORM.check(maxGradNorm);
    }

    /// The course of the learning rate.
    public record Schedule(LrSchedulerType type, double warmupRatio, int warmupSteps) {
        public Schedule {
            Keys.WARMUP_RATIO.check(warmupRatio);
            Keys.WARMUP_STEPS.check(warmupSteps);
        }

        /// Steps that warm up out of `totalSteps`: `warmup_steps` where given, else the share
        /// rounded up, as Transformers counts.
        public int warmupSteps(int totalSteps) {
            return warmupSteps > 0 ? warmupSteps : (int) Math.ceil(totalSteps * warmupRatio);
        }
    }
}
