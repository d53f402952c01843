package dev.graft;

import dev.graft.adapter.TargetResolution;
import dev.graft.adapter.TargetResolution.Target;
import dev.graft.config.GradientCheckpointing;
import dev.graft.config.PlanInput;
import dev.graft.config.RunConfig;
import dev.graft.data.Batch;
import dev.graft.data.Tokenizer;
import dev.graft.error.OutOfMemory;
import dev.graft.format.ModelFiles;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout;
import dev.graft.plan.Advice;
import dev.graft.plan.BatchShape;
import dev.graft.plan.Bill;
import dev.graft.plan.ByteSize;
import dev.graft.plan.Fit;
import dev.graft.plan.Fit.Verdict;
import dev.graft.plan.Job;
import dev.graft.plan.Machine;
import dev.graft.plan.Recomputation;
import dev.graft.plan.Tuning;
import dev.graft.quant.QuantizationConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// The plan of a run against the memory of the machine: with the shortest of sequences before
/// anything is read, and with the real ones before the weights are.
final class Budget {
    private final RunConfig config;
    private final Job job;
    private final long memory;

    private Budget(RunConfig config, Job job, long memory) {
        this.config = config;
        this.job = job;
        this.memory = memory;
    }

    /// @throws OutOfMemory if the run cannot fit, whatever its data are
    static Budget of(RunConfig config, ModelConfig model) {
        long memory = config.placement().memory();
        Path base = config.model().folder();
        QuantizationConfig codes = ModelConfig.codes(base).orElse(null);
        var budget = new Budget(config, PlanInput.of(config, model, codes, memory), memory);
        Job least = budget.job.with(BatchShape.of(1, 2));
        budget.refuseWhereTooLarge(least, budget.job);
        return budget;
    }

    /// The bill of the run on its data.
    ///
    /// @throws OutOfMemory if it cannot fit; says what to change
    Bill bill(ModelFiles files, Tokenizer tokenizer, BatchShape largest, List<Batch> heldOut) {
        String embedding = ModelLayout.of(job.model()).embedding().path() + ".weight";
        Optional<Batch> evaluated = heldOut.stream().max(Comparator.comparingInt(Batch::tokens));
        Job known =
                job.with(largest)
                        .with(job.base().with(files.info(embedding).dtype()))
                        .with(heap(tokenizer))
                        .evaluating(evaluated.map(Budget::shape).orElse(null));
        Job chosen = PlanInput.recomputing(config, known, memory);
        refuseWhereTooLarge(chosen, chosen);
        Bill bill = Bill.of(chosen);
        refuseWhereHostIsTooSmall(bill);
        return bill;
    }

    /// Page-locked memory cannot be swapped out.
    private void refuseWhereHostIsTooSmall(Bill bill) {
        long there = Machine.memory();
        if (bill.inHost() > there && !config.output().force()) {
            throw new OutOfMemory(
                    "this run needs %s of the host's memory beside the card, and there are %s: leave out one of base_residency: streamed, gradient_checkpointing: offload and a paged optim; force: true runs it all the same"
                            .formatted(ByteSize.of(bill.inHost()), ByteSize.of(there)));
        }
    }

    private static BatchShape shape(Batch batch) {
        return new BatchShape(batch.sequences(), batch.longest(), batch.tokens());
    }

    private static Job.Heap heap(Tokenizer tokenizer) {
        try {
            return new Job.Heap(Files.size(tokenizer.file()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// @param told what the message is about
    private void refuseWhereTooLarge(Job some, Job told) {
        boolean fits = new Fit(memory).of(some) != Verdict.TOO_LARGE;
        if (fits || config.output().force()) {
            return;
        }
        Advice advice = Advice.of(told, memory);
        throw new OutOfMemory(
                "this run needs %s of memory and may use %s (%s); %s; force: true runs it all the same"
                        .formatted(
                                ByteSize.of(advice.bill().needed()),
                                ByteSize.of(memory),
                                shares(advice.bill()),
                                changes(advice)));
    }

    private static String shares(Bill bill) {
        return bill.parts().stream()
                .filter(p -> p.place().resident() && p.bytes() > bill.needed() / 20)
                .map(p -> p.key() + " " + ByteSize.of(p.bytes()))
                .collect(Collectors.joining(", "));
    }

    private static String changes(Advice advice) {
        if (advice.changes().isEmpty()) {
            return "nothing makes it fit: the least is " + ByteSize.of(advice.changed().needed());
        }
        return "it fits in %s with %s"
                .formatted(
                        ByteSize.of(advice.changed().needed()),
                        advice.changes().stream()
                                .map(Advice.Change::key)
                                .collect(Collectors.joining(", ")));
    }

    /// What follows from the plan and a user should know.
    List<String> decisions(Bill bill) {
        List<String> decisions = new ArrayList<>();
        if (bill.job().tuning() instanceof Tuning.Lora(var lora)) {
            config.model()
                    .adapterNameOrPath()
                    .map("adapter: goes on from %s, whose r and modules count"::formatted)
                    .ifPresent(decisions::add);
            var targets = TargetResolution.of(lora, ModelLayout.of(job.model())).lora();
            Target first = targets.getFirst();
            decisions.add(
                    "adapter: %d modules, such as %s (r %d, scale %s)"
                            .formatted(targets.size(), first.path(), first.rank(), first.scale()));
        }
        decisions.add("gradient_checkpointing: " + recomputation(bill));
        if (bill.needed() > memory) {
            decisions.add(
                    "memory: %s are needed and %s may be used, so files are read again at every step"
                            .formatted(ByteSize.of(bill.needed()), ByteSize.of(memory)));
        }
        return decisions;
    }

    private String recomputation(Bill bill) {
        Recomputation chosen = bill.job().recomputation();
        if (config.train().gradientCheckpointing() != GradientCheckpointing.AUTO) {
            return chosen.toString();
        }
        return chosen == Recomputation.NONE
                ? "none, since everything fits"
                : "%s, the least that fits".formatted(chosen);
    }
}
