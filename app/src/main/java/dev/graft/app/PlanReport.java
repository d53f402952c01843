package dev.graft.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.plan.Advice;
import dev.graft.plan.Bill;
import dev.graft.plan.ByteSize;
import dev.graft.plan.Fit;
import dev.graft.plan.Job;
import dev.graft.plan.Recomputation;
import dev.graft.plan.Tuning;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// What `graft plan` says: the bill, the verdict, the limits of each way to recompute, the advice.
///
/// @param memory what the run may use, in bytes
record PlanReport(Advice advice, long memory, List<Limits> limits) {

    /// How large a run may get.
    ///
    /// @param batch most sequences of the run's length; 0 where not one fits
    /// @param context longest single sequence; 0 where none fits
    record Limits(Recomputation policy, long needed, int batch, int context) {}

    static PlanReport of(Job job, long memory) {
        var fit = new Fit(memory);
        List<Limits> limits =
                Arrays.stream(Recomputation.values())
                        .map(job::with)
                        .map(
                                j ->
                                        new Limits(
                                                j.recomputation(),
                                                Bill.of(j).needed(),
                                                fit.largestBatch(j),
                                                fit.longestContext(j)))
                        .toList();
        return new PlanReport(Advice.of(job, memory), memory, limits);
    }

    private Job job() {
        return advice.bill().job();
    }

    List<String> lines(String model) {
        Bill bill = advice.bill();
        List<String> lines = new ArrayList<>();
        lines.add(
                Figures.format(
                        "model     %s: %,d parameters, stored as %s",
                        model, bill.baseParameters(), job().base().stored().torchName()));
        lines.add(
                Figures.format(
                        "run       %s; %s of up to %,d tokens at once; recomputed: %s%s",
                        method(),
                        Figures.counted(job().batch().sequences(), "sequence"),
                        job().batch().longest(),
                        job().recomputation(),
                        where()));
        lines.add(
                Figures.format(
                        "trained   %,d parameters (%s)",
                        bill.trainedParameters(), Figures.percent(bill.trainedPercent())));
        lines.add("");
        lines.addAll(BillText.table(bill));
        lines.add("");
        lines.add(verdict());
        advice.changes().forEach(c -> lines.add("  " + sentence(c)));
        if (!advice.changes().isEmpty()) {
            lines.add("  then it takes " + ByteSize.of(advice.changed().needed()) + ".");
        }
        lines.add("");
        addLimits(lines);
        return lines;
    }

    private String where() {
        var computation = job().computation();
        return computation.card() ? "; on a card, in " + computation.type().torchName() : "";
    }

    private String method() {
        return switch (job().tuning()) {
            case Tuning.Full() -> "every weight";
            case Tuning.Lora(var lora) ->
                    "LoRA r %d on %s, base %s"
                            .formatted(lora.r(), lora.targetModules(), quantization());
        };
    }

    private String quantization() {
        var codes = job().base().codes();
        return codes == null ? "as stored" : codes.how().toString();
    }

    private String verdict() {
        String sizes =
                "%s are needed of %s"
                        .formatted(ByteSize.of(advice.bill().needed()), ByteSize.of(memory));
        return switch (advice.verdict()) {
            case FITS -> "It fits: " + sizes + ".";
            case READS_AGAIN ->
                    "It runs, but slowly: %s, so files are read again at every step.%s"
                            .formatted(sizes, introduction());
            case TOO_LARGE -> "It does not fit: %s.%s".formatted(sizes, introduction());
        };
    }

    private String introduction() {
        return advice.changes().isEmpty()
                ? " Nothing here makes it fit; the least is %s."
                        .formatted(ByteSize.of(advice.changed().needed()))
                : " To make it fit:";
    }

    private static String sentence(Advice.Change change) {
        return "%s %s, saving %s."
                .formatted(change.key(), change.sentence(), ByteSize.of(change.saved()));
    }

    private void addLimits(List<String> lines) {
        lines.add(
                Figures.format(
                        "%-12s %10s  %21s  %26s",
                        "recomputed",
                        "needed",
                        Figures.format("batch at length %,d", job().batch().longest()),
                        "context at batch size 1"));
        for (Limits limit : limits) {
            lines.add(
                    Figures.format(
                            "%-12s %10s  %21s  %26s",
                            limit.policy().toString(),
                            ByteSize.of(limit.needed()),
                            limit.batch() == 0 ? "none fits" : Figures.count(limit.batch()),
                            context(limit.context())));
        }
    }

    private String context(int longest) {
        if (longest == 0) {
            return "none fits";
        }
        boolean whole = longest == job().model().contextLength();
        return Figures.count(longest) + (whole ? " (the model's)" : "");
    }

    ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        BillText.put(json, advice.bill());
        json.put("memory", memory);
        json.put("verdict", advice.verdict().name().toLowerCase(Locale.ROOT));
        ArrayNode array = json.putArray("recomputation");
        for (Limits limit : limits) {
            array.addObject()
                    .put("policy", limit.policy().toString())
                    .put("needed", limit.needed())
                    .put("largest_batch", limit.batch())
                    .put("longest_context", limit.context());
        }
        ArrayNode changes = json.putArray("advice");
        for (Advice.Change change : advice.changes()) {
            changes.addObject()
                    .put("key", change.key())
                    .put("saved", change.saved())
                    .put("sentence", sentence(change));
        }
        json.put("needed_after_advice", advice.changed().needed());
        return json;
    }
}
