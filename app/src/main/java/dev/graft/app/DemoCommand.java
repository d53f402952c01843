package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.Finetune;
import dev.graft.app.demo.Comparison;
import dev.graft.app.demo.DemoBase;
import dev.graft.app.demo.DemoTask;
import dev.graft.app.demo.ExactMatch;
import dev.graft.app.demo.JsonLines;
import dev.graft.config.RunConfig;
import dev.graft.config.RunConfigReader;
import dev.graft.error.TrainingException;
import dev.graft.export.ModelFolderWriter;
import dev.graft.generate.Generator;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `graft demo`: teaches the model that comes with Graft a task that it cannot do, with the same
/// [Finetune] that `graft train` runs.
@Command(
        name = "demo",
        sortOptions = false,
        header = "Teach the bundled model to turn sentences into JSON, in a minute or two.",
        abbreviateSynopsis = true)
final class DemoCommand implements Callable<Integer> {
    private static final int TRAIN_ROWS = 3_000;
    private static final int HELD_OUT_ROWS = 120;
    private static final int SHOWN = 3;
    private static final long SEED = 42;

    private final Console console;
    private PrintStream out;

    @Option(
            names = "--output-dir",
            paramLabel = "DIR",
            defaultValue = "graft-out/demo",
            description = "Where data, adapter and merged model go (default ${DEFAULT-VALUE}).")
    private Path folder;

    @Option(names = "--json", description = "The result as one JSON object, the last line.")
    private boolean json;

    DemoCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        long begin = System.nanoTime();
        out = console.human(json);
        DemoTask.Split split = new DemoTask(SEED).split(TRAIN_ROWS, HELD_OUT_ROWS);
        prepare(split);
        say("The bundled base model meets %,d held-out sentences ...", HELD_OUT_ROWS);
        ExactMatch before = exactMatch(null, split.heldOut());
        say("before: %d of %d right", before.exact(), HELD_OUT_ROWS);

        if (!train()) {
            return 130;
        }
        ExactMatch after = exactMatch(adapter(), split.heldOut());
        merge();
        double seconds = (System.nanoTime() - begin) / 1e9;
        show(split.heldOut(), before, after, seconds);
        if (json) {
            console.json(
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("before", before.percent())
                            .put("after", after.percent())
                            .put("held_out", HELD_OUT_ROWS)
                            .put("seconds", seconds)
                            .put("base", base().toString())
                            .put("adapter", adapter().toString())
                            .put("merged", merged().toString())
                            .put("metrics", adapter().resolve("metrics.jsonl").toString()));
        }
        return 0;
    }

    @SuppressWarnings("AnnotateFormatMethod")
    private void say(String pattern, Object... values) {
        out.println(Figures.format(pattern, values));
        out.flush();
    }

    private Path base() {
        return folder.resolve("base");
    }

    private Path adapter() {
        return folder.resolve("adapter");
    }

    private Path merged() {
        return folder.resolve("merged");
    }

    private Path train(String name) {
        return folder.resolve(name + ".jsonl");
    }

    private void prepare(DemoTask.Split split) {
        try {
            Files.createDirectories(folder);
            NewFolder.delete(adapter());
            NewFolder.delete(merged());
        } catch (IOException e) {
            throw new TrainingException(
                    "cannot prepare %s: %s; choose another --output-dir"
                            .formatted(folder, e.getMessage()),
                    e);
        }
        DemoBase.unpack(base());
        JsonLines.write(train("train"), split.train().stream());
        JsonLines.write(train("held-out"), split.heldOut().stream());
    }

    private ExactMatch exactMatch(Path adapter, List<DemoTask.Row> rows) {
        var progress = new ProgressLine(console);
        try (OpenModel open = OpenModel.open(base(), adapter);
                var generator = new Generator(open.model(), open.tokenizer())) {
            return ExactMatch.of(
                    generator,
                    rows,
                    done ->
                            progress.show(
                                    "generating %d of %d".formatted(done, rows.size()), false));
        } finally {
            progress.clear();
        }
    }

    private boolean train() {
        var finetune = new Finetune(config(), new DemoDisplay(console, json));
        try (var _ = console.interruption().calls(finetune::interrupt)) {
            return finetune.run();
        }
    }

    private RunConfig config() {
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("model_name_or_path", base().toString());
        keys.put("dataset", train("train").toString());
        keys.put("eval_dataset", train("held-out").toString());
        keys.put("output_dir", adapter().toString());
        keys.put("r", "16");
        keys.put("lora_alpha", "32");
        keys.put("learning_rate", "3e-3");
        keys.put("lr_scheduler_type", "cosine");
        keys.put("warmup_ratio", "0.05");
        keys.put("per_device_train_batch_size", "16");
        keys.put("max_steps", "450");
        keys.put("eval_strategy", "no");
        keys.put("logging_steps", "1");
        return RunConfigReader.read(keys);
    }

    private void merge() {
        try (OpenModel open = OpenModel.open(base(), adapter())) {
            NewFolder.write(
                    merged(),
                    part -> new ModelFolderWriter(open.model(), open.files(), null).write(part));
        }
    }

    private void show(
            List<DemoTask.Row> rows, ExactMatch before, ExactMatch after, double seconds) {
        List<Comparison.Sample> samples = new ArrayList<>();
        for (int i = 0; i < SHOWN; i++) {
            samples.add(
                    new Comparison.Sample(
                            rows.get(i).prompt(),
                            before.answers().get(i),
                            after.answers().get(i),
                            rows.get(i).completion()));
        }
        new Comparison(samples).lines(100).forEach(out::println);
        say("");
        say(
                "held-out exact match: %.1f %% before, %.1f %% after, in %s",
                before.percent(), after.percent(), Figures.duration(seconds));
        say("adapter: %s", adapter());
        say("merged:  %s", merged());
        say("metrics: %s", adapter().resolve("metrics.jsonl"));
        say(
                "try it:  %s generate --model %s --adapter %s --prompt $'%s'",
                Console.command(),
                base(),
                adapter(),
                rows.getFirst().prompt().replace("'", "\\'").replace("\n", "\\n"));
    }
}
