package dev.graft.app.demo;

import dev.graft.generate.GenerationOptions;
import dev.graft.generate.Generator;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/// How many answers of a model are the expected ones to the letter, generated greedily.
///
/// @param answers what the model wrote, in the order of the rows
/// @param exact how many are right
public record ExactMatch(List<String> answers, int exact) {
    /// More tokens than any right answer has.
    private static final int MOST_TOKENS = 96;

    private static final int AT_ONCE = 16;

    public ExactMatch {
        answers = List.copyOf(answers);
    }

    /// Generates an answer to every row.
    ///
    /// @param progress told how many rows are done
    public static ExactMatch of(
            Generator generator, List<DemoTask.Row> rows, IntConsumer progress) {
        var options = GenerationOptions.greedy(MOST_TOKENS);
        List<String> prompts = rows.stream().map(DemoTask.Row::prompt).toList();
        var made = new Generator.Generation[rows.size()];
        var done = new AtomicInteger();
        generator.generateAll(
                prompts,
                options,
                AT_ONCE,
                (one, number) -> {
                    made[number] = one;
                    progress.accept(done.incrementAndGet());
                });
        List<String> answers = Arrays.stream(made).map(Generator.Generation::text).toList();
        int exact = 0;
        for (int i = 0; i < made.length; i++) {
            if (made[i].stopped() && made[i].text().equals(rows.get(i).completion())) {
                exact++;
            }
        }
        return new ExactMatch(answers, exact);
    }

    /// The share of right answers, in percent.
    public double percent() {
        return 100.0 * exact / answers.size();
    }
}
