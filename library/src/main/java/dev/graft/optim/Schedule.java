package dev.graft.optim;

/// The learning rate over the steps, as a factor of `learning_rate`, by the formulas of
/// Transformers' `get_scheduler`: linear warm-up from 0, then the named course.
///
/// @param course what follows the warm-up
/// @param warmupSteps optimizer steps of warm-up
/// @param steps optimizer steps of the run
public record Schedule(Course course, int warmupSteps, int steps) {

    /// The names of `lr_scheduler_type`.
    public enum Course {
        LINEAR,
        COSINE,
        CONSTANT,
        CONSTANT_WITH_WARMUP
    }

    /// The factor for a step, counted from 0.
    public double at(int step) {
        if (course != Course.CONSTANT && step < warmupSteps) {
            return (double) step / Math.max(1, warmupSteps);
        }
        double progress = (double) (step - warmupSteps) / Math.max(1, steps - warmupSteps);
        return switch (course) {
            case LINEAR -> Math.max(0, (double) (steps - step) / Math.max(1, steps - warmupSteps));
            case COSINE -> Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
            case CONSTANT, CONSTANT_WITH_WARMUP -> 1;
        };
    }
}
