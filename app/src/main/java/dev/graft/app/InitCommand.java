package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.export.RandomModel;
import dev.graft.model.ModelConfig;
import dev.graft.tensor.DType;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `graft init`: a model with random weights.
@Command(
        name = "init",
        sortOptions = false,
        header = "Make a model with random weights, to pretrain or to measure.",
        abbreviateSynopsis = true)
final class InitCommand implements Callable<Integer> {
    private final Console console;

    @Option(
            names = "--config",
            required = true,
            paramLabel = "DIR",
            description = "Folder with config.json and, best, a tokenizer, which is copied.")
    private Path config;

    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description = "Folder to write; must be new or empty.")
    private Path output;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            converter = DTypeConverter.class,
            defaultValue = "float32",
            description = "float32, bfloat16 or float16 (default ${DEFAULT-VALUE}).")
    private DType dtype;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "42",
            description = "Seed of the weights (default ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--json", description = "One JSON object on standard output.")
    private boolean json;

    InitCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        long parameters = ModelConfig.read(config).parameters();
        NewFolder.write(output, part -> RandomModel.write(config, part, dtype, seed));
        if (json) {
            console.json(
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("output", output.toString())
                            .put("parameters", parameters)
                            .put("dtype", dtype.torchName()));
        } else {
            console.out()
                    .println(
                            "%s: %s random parameters in %s"
                                    .formatted(
                                            output, Figures.count(parameters), dtype.torchName()));
        }
        return 0;
    }
}
