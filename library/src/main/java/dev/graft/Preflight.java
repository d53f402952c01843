package dev.graft;

import dev.graft.config.RunConfig;
import dev.graft.data.Example;
import dev.graft.data.Finding;
import dev.graft.data.Inspection;
import dev.graft.data.Segment;
import dev.graft.data.Tokenizer;
import dev.graft.format.ModelFiles;
import dev.graft.model.ModelConfig;
import dev.graft.plan.Bill;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A look at a run before it starts: what the model will be shown, and what it will cost.
///
/// @param template where the chat template comes from, or "none"
/// @param bos the token that examples begin with, or "none"
/// @param eos the token that ends an answer
/// @param samples the first examples, in pieces that are trained or not
/// @param decisions what a run would decide by itself, each with its reason
public record Preflight(
        ModelConfig model,
        String template,
        String bos,
        String eos,
        String data,
        Inspection inspection,
        List<Finding> findings,
        List<List<Segment>> samples,
        List<String> decisions,
        Bill bill) {
    private static final int SAMPLES = 3;

    /// Reads and tokenizes as `train` does; loads no weights.
    ///
    /// @throws dev.graft.error.GraftException if the run could not start
    public static Preflight of(RunConfig config) {
        Path base = config.model().folder();
        ModelConfig model = ModelConfig.read(base);
        Budget budget = Budget.of(config, model);
        List<String> decisions = new ArrayList<>();
        try (var files = ModelFiles.open(base);
                var tokenizer = Tokenizer.load(base);
                var data = TrainingData.of(config, tokenizer, model, decisions)) {
            Bill bill = budget.bill(files, tokenizer, data.largest(), data.heldOut());
            decisions.addAll(budget.decisions(bill));
            return new Preflight(
                    model,
                    data.template(),
                    tokenizer.addsBos() ? shown(tokenizer, tokenizer.bosId().getAsInt()) : "none",
                    tokenizer.eosId().isPresent()
                            ? shown(tokenizer, tokenizer.eosId().getAsInt())
                            : "none",
                    data.report(),
                    data.inspection(),
                    data.findings(),
                    data.first(SAMPLES).stream().map(e -> pieces(e, tokenizer)).toList(),
                    decisions,
                    bill);
        }
    }

    private static String shown(Tokenizer tokenizer, int id) {
        return tokenizer.decode(new int[] {id}, false) + " (" + id + ")";
    }

    private static List<Segment> pieces(Example example, Tokenizer tokenizer) {
        List<Segment> pieces = new ArrayList<>();
        int from = 0;
        for (int i = 1; i <= example.length(); i++) {
            boolean ends = i == example.length() || example.trained()[i] != example.trained()[from];
            if (ends) {
                int[] ids = Arrays.copyOfRange(example.ids(), from, i);
                pieces.add(new Segment(tokenizer.decode(ids, false), example.trained()[from]));
                from = i;
            }
        }
        return pieces;
    }
}
