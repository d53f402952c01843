package dev.graft.train;

import dev.graft.plan.Bill;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What a run tells those who watch it.
public sealed interface TrainEvent {

    /// Matrices of the base are loaded, and quantized where that was asked for.
    record Loading(int done, int total) implements TrainEvent {}

    /// The data are read and the model is about to be: what was decided, each with its reason, and
    /// what it takes.
    record Prepared(Bill bill, String model, String data, int heldOut, List<String> decisions)
            implements TrainEvent {}

    /// The first step is about to run.
    ///
    /// @param resumedFrom steps that a checkpoint brought along, 0 for a new run
    record Started(int totalSteps, int resumedFrom, long trainedParameters) implements TrainEvent {}

    /// An optimizer step is done.
    ///
    /// @param step counted from 1
    /// @param loss mean over the trained tokens of the step, in nats
    /// @param gradNorm before clipping
    /// @param tokens of the step, untrained ones included
    /// @param totalTokens of the run so far
    /// @param seconds since the run began, evaluation and saving included
    /// @param stepSeconds of this step
    /// @param peakBytes highest resident memory of the process so far; on a card the most that was
    ///     taken of its memory
    record Step(
            int step,
            double epoch,
            double loss,
            double gradNorm,
            double learningRate,
            long tokens,
            long totalTokens,
            double seconds,
            double stepSeconds,
            long peakBytes)
            implements TrainEvent {}

    /// The held-out examples were evaluated.
    ///
    /// @param loss mean over their trained tokens, in nats
    record Evaluated(int step, double loss, long tokens) implements TrainEvent {
        /// e to the loss.
        public double perplexity() {
            return Math.exp(loss);
        }
    }

    /// A checkpoint is complete.
    record Saved(int step, Path folder) implements TrainEvent {}

    /// Something that the user should know, and that is no reason to stop.
    record Warned(String message) implements TrainEvent {}

    /// The run was asked to stop and did, between two steps.
    record Interrupted(int step) implements TrainEvent {}

    /// What the steps took, beside what the plan said.
    ///
    /// @param resident the most that was resident at once, pages of mapped files included
    /// @param anonymous the most of it that no file backs
    record Measured(Bill planned, long resident, long anonymous) implements TrainEvent {}

    /// The run is complete.
    ///
    /// @param firstStep empty where a checkpoint brought all steps along
    record Finished(int steps, double seconds, double meanLoss, Optional<FirstStep> firstStep)
            implements TrainEvent {}

    /// When this process took its first step, in seconds since the virtual machine started.
    record FirstStep(double began, double ended) {}
}
