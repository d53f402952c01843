package dev.graft.app;

import dev.graft.config.PlanInput;
import dev.graft.config.RunConfig;
import dev.graft.config.RunConfigReader;
import dev.graft.model.ModelConfig;
import dev.graft.plan.ByteSize;
import dev.graft.plan.Job;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `graft plan`: what a run takes and what fits, before anything is loaded.
@Command(
        name = "plan",
        sortOptions = false,
        header = "What a run takes, whether it fits, and what to change; loads nothing.",
        customSynopsis = "graft plan [run.yaml] [--KEY VALUE ...] [--memory SIZE] [--json]",
        description = {
            "%nThe model is a folder or a config.json alone; the other keys are those of train.",
            "%nExample: graft plan --model-name-or-path Llama-3.1-8B/config.json --method qlora"
                    + " --memory 16GB"
        })
final class PlanCommand implements Callable<Integer> {
    /// The ways to train, as the field names them.
    enum Method {
        FULL,
        LORA,
        QLORA;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Console console;

    @Spec private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "run.yaml", description = "Config file.")
    private String file;

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            description = "${COMPLETION-CANDIDATES}; qlora is lora on a 4-bit base (NF4).")
    private Method method;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            description =
                    "What the run may use, as 24GB or 16GiB (default: the memory of this machine"
                            + " or container, or of the card that it would compute on). With"
                            + " --device cuda it is that of a card, which need not be here.")
    private String memory;

    @Option(names = "--json", description = "One JSON object on standard output, in bytes.")
    private boolean json;

    PlanCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        RunConfig config = config();
        long budget =
                memory == null ? config.placement().memory() : ByteSize.parse("--memory", memory);
        Job job = job(config, budget);
        var report = PlanReport.of(job, budget);
        if (json) {
            console.json(report.toJson());
        } else {
            String model = config.model().modelNameOrPath();
            report.lines(model).forEach(console.out()::println);
        }
        return 0;
    }

    private RunConfig config() {
        ConfigOptions.Given given = ConfigOptions.given(file, spec.commandLine().getParseResult());
        Map<String, String> keys = new LinkedHashMap<>(given.overrides());
        if (method != null) {
            keys.put("finetuning_type", method == Method.FULL ? "full" : "lora");
        }
        if (method == Method.QLORA && !"true".equals(keys.get("load_in_8bit"))) {
            keys.put("load_in_4bit", "true");
        }
        if (given.file() != null) {
            return RunConfigReader.read(Path.of(given.file()), keys);
        }
        // Required of a run, but nothing to a plan.
        keys.putIfAbsent("output_dir", "none");
        keys.putIfAbsent("dataset", "none");
        return RunConfigReader.read(keys);
    }

    private static Job job(RunConfig config, long budget) {
        Path base = config.model().folder();
        ModelConfig model = ModelConfig.read(base);
        Job job = PlanInput.of(config, model, ModelConfig.codes(base).orElse(null), budget);
        return job.with(new Job.Heap(size(base.resolve("tokenizer.json"))));
    }

    private static long size(Path path) {
        try {
            return Files.isRegularFile(path) ? Files.size(path) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
