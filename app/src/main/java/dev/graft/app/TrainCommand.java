package dev.graft.app;

import dev.graft.Finetune;
import dev.graft.config.FinetuningType;
import dev.graft.config.ModelOptions;
import dev.graft.config.RunConfig;
import dev.graft.config.RunConfigReader;
import dev.graft.hub.CachedModels;
import dev.graft.train.TrainEvent;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `graft train`: a run from a YAML file, from options, or from both.
@Command(
        name = "train",
        sortOptions = false,
        header = "Fine-tune a model: a LoRA adapter, or every weight.",
        customSynopsis = "graft train [run.yaml] [--KEY VALUE ...] [--json]",
        description = {
            "%nThe file holds the keys below in snake case (learning_rate: 2e-4); an option wins"
                    + " over the file.",
            "%nExample: graft train --model-name-or-path models/base --dataset data.jsonl"
                    + " --eval-split 0.1 --output-dir out"
        })
final class TrainCommand implements Callable<Integer> {
    private static final int INTERRUPTED = 130;

    private final Console console;

    @Spec private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "run.yaml", description = "Config file.")
    private String file;

    @Option(names = "--json", description = "One JSON object a line on standard output.")
    private boolean json;

    @Mixin private final Profiling profiling = new Profiling();

    TrainCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        RunConfig config = config();
        var summary = new TrainSummary();
        Consumer<TrainEvent> display = json ? this::print : new TrainDisplay(console);
        var finetune = new Finetune(config, summary.andThen(display));
        boolean complete;
        try (var profile = profiling.start();
                var _ = console.interruption().calls(finetune::interrupt)) {
            complete = finetune.run();
            profile.print(console, json);
        }
        Path output = config.output().outputDir();
        if (json) {
            console.json(summary.toJson(complete, output));
        } else if (complete) {
            sayWhere(config, summary);
        }
        if (!complete) {
            sayHowToResume(summary, output);
        }
        return complete ? 0 : INTERRUPTED;
    }

    /// Loading is a matter of seconds and hundreds of events.
    private void print(TrainEvent event) {
        if (!(event instanceof TrainEvent.Loading)) {
            console.json(TrainEventJson.of(event));
        }
    }

    private RunConfig config() {
        ConfigOptions.Given given = ConfigOptions.given(file, spec.commandLine().getParseResult());
        return given.file() == null
                ? RunConfigReader.read(given.overrides())
                : RunConfigReader.read(Path.of(given.file()), given.overrides());
    }

    private void sayWhere(RunConfig config, TrainSummary summary) {
        Path output = config.output().outputDir();
        boolean full = config.model().finetuningType() == FinetuningType.FULL;
        if (summary.before() != null && summary.after() != null) {
            console.out()
                    .println(
                            Figures.format(
                                    "held-out loss: %.4f -> %.4f",
                                    summary.before(), summary.after()));
        }
        console.out().println((full ? "model:   " : "adapter: ") + output);
        console.out().println("metrics: " + output.resolve("metrics.jsonl"));
        ModelOptions base = config.model();
        String at =
                base.modelRevision().equals(CachedModels.MAIN)
                        ? ""
                        : " --model-revision " + base.modelRevision();
        String models =
                full
                        ? "--model " + output
                        : "--model %s%s --adapter %s".formatted(base.modelNameOrPath(), at, output);
        console.out()
                .println(
                        "try it:  %s generate %s --prompt '...'"
                                .formatted(Console.command(), models));
    }

    private void sayHowToResume(TrainSummary summary, Path output) {
        console.err().println("saved:   " + summary.checkpoint());
        console.err()
                .println(
                        "go on:   %s train %s --resume-from-checkpoint"
                                .formatted(Console.command(), output.resolve("graft.yaml")));
    }
}
