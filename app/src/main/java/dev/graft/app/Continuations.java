package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.generate.GenerationOptions;
import dev.graft.generate.Generator;
import dev.graft.generate.Generator.Generation;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The continuations of many prompts, as JSON lines in the order of the prompts: each is printed
/// when it and all before it are complete.
final class Continuations {
    private final Console console;
    private final List<String> prompts;
    private final ProgressLine progress;
    private final Map<Integer, Generation> early = new TreeMap<>();
    private int printed;
    private int done;
    private long tokens;

    Continuations(Console console, List<String> prompts) {
        this.console = console;
        this.prompts = prompts;
        this.progress = new ProgressLine(console);
    }

    void generate(Generator generator, GenerationOptions options, int batchSize) {
        long begin = System.nanoTime();
        try {
            generator.generateAll(prompts, options, batchSize, this::done);
        } finally {
            progress.clear();
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        console.err()
                .println(
                        Figures.format(
                                "[%s, %s new in %.2f s, %.1f tokens/s]",
                                Figures.counted(prompts.size(), "prompt"),
                                Figures.counted(tokens, "token"),
                                seconds,
                                tokens / seconds));
    }

    private void done(Generation made, int number) {
        early.put(number, made);
        tokens += made.ids().length;
        progress.clear();
        for (Generation next; (next = early.remove(printed)) != null; printed++) {
            console.json(json(prompts.get(printed), next));
        }
        done++;
        progress.show("generating %d of %d".formatted(done, prompts.size()), false);
    }

    private static ObjectNode json(String prompt, Generation made) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("prompt", prompt)
                .put("completion", made.text())
                .put("tokens", made.ids().length)
                .put("stopped", made.stopped());
    }
}
