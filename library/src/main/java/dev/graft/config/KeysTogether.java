package dev.graft.config;

import dev.graft.model.BaseResidency;
import dev.graft.optim.Optim;
import java.util.List;

/// What keys may not say together, and which must be there.
final class KeysTogether {
    private final BoundValues values;
    private final List<String> problems;

    /// @param problems that are added to
    KeysTogether(BoundValues values, List<String> problems) {
        this.values = values;
        this.problems = problems;
    }

    void check() {
        require(Keys.MODEL);
        require(Keys.OUTPUT_DIR);
        require(Keys.DATASET);
        var strategy = values.get(Keys.EVAL_STRATEGY, IntervalStrategy.NO);
        boolean evalDataKnown = values.has(Keys.EVAL_DATASET) && values.has(Keys.EVAL_SPLIT);
        if (strategy != IntervalStrategy.NO && evalDataKnown && !values.evaluates()) {
            problems.add(
                    "eval_strategy: found %s but nothing to evaluate on, expected eval_dataset or eval_split too"
                            .formatted(strategy));
        }
        checkData();
        checkQuantization();
        checkGraphs();
        if (values.get(Keys.FINETUNING_TYPE) == FinetuningType.FULL
                && values.get(Keys.ADAPTER) != null) {
            problems.add(
                    "adapter_name_or_path: found with finetuning_type full, expected"
                            + " finetuning_type lora (or merge the adapter first)");
        }
        var optim =
                values.get(
                        Keys.OPTIM,
                        Optim.PAGED_ADAMW_32BIT); // unknown where it is a problem itself
        if (values.get(Keys.OPTIM_MEMORY, 0L) > 0 && !optim.paged()) {
            problems.add(
                    "optim_memory: found with optim %s, expected one that is paged"
                            .formatted(optim));
        }
    }

    /// One weight a file; a stream has no length, so it cannot be divided by a share, nor an
    /// epoch into steps.
    private void checkData() {
        List<Double> weights = values.get(Keys.DATASET_WEIGHTS, List.of());
        int files = values.get(Keys.DATASET, List.of()).size();
        if (!weights.isEmpty() && weights.size() != files) {
            problems.add(
                    "dataset_weights: found %d numbers for %d files of dataset, expected one for each"
                            .formatted(weights.size(), files));
        }
        if (!values.get(Keys.STREAMING, false)) {
            return;
        }
        if (values.get(Keys.MAX_STEPS, 1) < 1) {
            problems.add("streaming: found without max_steps, expected the number of steps too");
        }
        if (!weights.isEmpty()) {
            problems.add("dataset_weights: found with streaming, expected one of both");
        }
        double split = values.get(Keys.EVAL_SPLIT, 0.0);
        if (split > 0 && split < 1) {
            problems.add(
                    "eval_split: found the share %s with streaming, expected a number of examples (the first are held out) or eval_dataset"
                            .formatted(split));
        }
    }

    /// The host takes part in passes with any of these.
    private void checkGraphs() {
        if (!values.get(Keys.CUDA_GRAPHS, false)) {
            return;
        }
        if (values.get(Keys.LORA_DROPOUT, 0.0) > 0) {
            problems.add("cuda_graphs: found with lora_dropout, expected lora_dropout: 0");
        }
        if (values.get(Keys.GRADIENT_CHECKPOINTING) == GradientCheckpointing.OFFLOAD) {
            problems.add(
                    "cuda_graphs: found with gradient_checkpointing: offload, expected none, mlp, layer or auto");
        }
        if (values.get(Keys.BASE_RESIDENCY) == BaseResidency.STREAMED) {
            problems.add("cuda_graphs: found with base_residency: streamed, expected auto or ram");
        }
    }

    private void checkQuantization() {
        boolean four = values.get(Keys.LOAD_IN_4BIT, false);
        boolean eight = values.get(Keys.LOAD_IN_8BIT, false);
        if (four && eight) {
            problems.add("load_in_4bit: found with load_in_8bit, expected one of them");
        }
        if ((four || eight) && values.get(Keys.FINETUNING_TYPE) == FinetuningType.FULL) {
            problems.add(
                    "load_in_%sbit: found with finetuning_type full, expected finetuning_type lora: weights in codes cannot take small steps"
                            .formatted(four ? "4" : "8"));
        }
        if (values.get(Keys.BASE_RESIDENCY) == BaseResidency.STREAMED
                && values.get(Keys.FINETUNING_TYPE) == FinetuningType.FULL) {
            problems.add(
                    "base_residency: streamed found with finetuning_type full, expected finetuning_type lora: weights that are trained stay on the card");
        }
    }

    private void require(Key<?> key) {
        boolean bound = values.has(key);
        if (bound && (values.get(key) == null || values.get(key).equals(List.of()))) {
            problems.add(key.problem("nothing") + " (required)");
        }
    }
}
