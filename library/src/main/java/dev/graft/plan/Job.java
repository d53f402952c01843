package dev.graft.plan;

import dev.graft.model.ModelConfig;
import dev.graft.tensor.DType;

/// A run as the plan sees it: all that its memory depends on.
///
/// @param computation where it computes
/// @param evaluation the largest batch that is evaluated; null where nothing is
/// @param heap the run's tokenizer
public record Job(
        ModelConfig model,
        Computation computation,
        BaseStorage base,
        Tuning tuning,
        OptimizerState optimizer,
        Recomputation recomputation,
        BatchShape batch,
        BatchShape evaluation,
        Heap heap) {

    /// What a tokenizer takes.
    ///
    /// @param tokenizerFile size of `tokenizer.json`
    public record Heap(long tokenizerFile) {
        public static final Heap NOTHING = new Heap(0);
    }

    /// A run with the defaults: the base mapped as its config says, AdamW, nothing recomputed,
    /// nothing evaluated.
    public static Job of(ModelConfig model, Tuning tuning, BatchShape batch) {
        DType stored = model.storedType() == null ? DType.F32 : model.storedType();
        return new Job(
                model,
                Computation.ON_PROCESSOR,
                BaseStorage.mapped(stored),
                tuning,
                OptimizerState.ADAMW,
                Recomputation.NONE,
                batch,
                null,
                Heap.NOTHING);
    }

    public Job with(Computation other) {
        return new Job(
                model, other, base, tuning, optimizer, recomputation, batch, evaluation, heap);
    }

    public Job with(BaseStorage other) {
        return new Job(
                model,
                computation,
                other,
                tuning,
                optimizer,
                recomputation,
                batch,
                evaluation,
                heap);
    }

    public Job with(Tuning other) {
        return new Job(
                model, computation, base, other, optimizer, recomputation, batch, evaluation, heap);
    }

    public Job with(OptimizerState other) {
        return new Job(
                model, computation, base, tuning, other, recomputation, batch, evaluation, heap);
    }

    public Job with(Recomputation other) {
        return new Job(model, computation, base, tuning, optimizer, other, batch, evaluation, heap);
    }

    /// The same run on other batches; what is evaluated grows no longer than that.
    public Job with(BatchShape other) {
        return new Job(
                model,
                computation,
                base,
                tuning,
                optimizer,
                recomputation,
                other,
                evaluation == null || evaluation.longest() <= other.longest()
                        ? evaluation
                        : BatchShape.of(evaluation.sequences(), other.longest()),
                heap);
    }

    public Job evaluating(BatchShape largest) {
        return new Job(
                model, computation, base, tuning, optimizer, recomputation, batch, largest, heap);
    }

    public Job with(Heap other) {
        return new Job(
                model,
                computation,
                base,
                tuning,
                optimizer,
                recomputation,
                batch,
                evaluation,
                other);
    }
}
