package dev.graft.app.demo;

import dev.graft.generate.GenerationOptions;
import dev.graft.generate.Generator;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/// How many answers of a model are the expected ones to the letter, generated greedily.
///
/// @param answers what the model wrote, in the order of the rows
/// @param exact how many are right
public record ExactMatch(List<String> answers, int exact) {
    /// More tokens than any right answer has.
    private static final int MOST_TOKENS = 96;

    public ExactMatch {
        answers = List.copyOf(answers);
    }

    /// Generates an answer to every row.
    ///
    /// @param progress told how many rows are done
    public static ExactMatch of(
            Generator generator, List<DemoTask.Row> rows, IntConsumer progress) {
        var options = GenerationOptions.greedy(MOST_TOKENS);
        List<String> answers = new ArrayList<>();
        int exact = 0;
        for (DemoTask.Row row : rows) {
            var made = generator.generate(row.prompt(), options, piece -> {});
            answers.add(made.text());
            if (made.stopped() && made.text().equals(row.completion())) {
                exact++;
            }
            progress.accept(answers.size());
        }
        return new ExactMatch(answers, exact);
    }

    /// The share of right answers, in percent.
    public double percent() {
        return 100.0 * exact / answers.size();
    }
}
