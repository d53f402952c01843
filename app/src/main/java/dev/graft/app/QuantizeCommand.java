package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.error.ConfigException;
import dev.graft.export.QuantizedFolderWriter;
import dev.graft.format.ModelFiles;
import dev.graft.hub.CachedModels;
import dev.graft.model.LoadOptions;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.quant.BitsAndBytes;
import dev.graft.quant.Quantization;
import dev.graft.quant.QuantizationConfig;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `graft quantize`: a checkpoint in codes, in the files of bitsandbytes.
@Command(
        name = "quantize",
        sortOptions = false,
        header = "Write a model in 4 or 8 bits, as bitsandbytes stores it.",
        description = {
            "%nTransformers loads the folder as it is; train, generate and eval take it without"
                    + " quantizing again, also larger than memory (--base-residency mapped).",
            "%nExample: graft quantize --model models/base --output models/base-nf4"
        })
final class QuantizeCommand implements Callable<Integer> {
    private final Console console;

    @Option(
            names = "--model",
            required = true,
            paramLabel = "MODEL",
            description =
                    "The model in 16 or 32 bits: a folder, or the org/name of one that was"
                            + " pulled.")
    private String model;

    @Option(
            names = "--model-revision",
            paramLabel = "REV",
            defaultValue = CachedModels.MAIN,
            description = "Branch, tag or commit of a model by name (default ${DEFAULT-VALUE}).")
    private String revision;

    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description = "Folder to write; must be new or empty.")
    private Path output;

    @Mixin private QuantizationArguments quantization;

    @Option(names = "--json", description = "One JSON object on standard output.")
    private boolean json;

    QuantizeCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        var progress = new ProgressLine(console);
        progress.begin();
        Path folder = CachedModels.system().folder("--model", model, revision);
        requirePlain(folder);
        LoadOptions load =
                quantization
                        .loadQuantized()
                        .withProgress(
                                (done, total) ->
                                        progress.show(
                                                "matrix %d of %d".formatted(done, total), false));
        Quantization how = load.quantization();
        try (OpenModel open = OpenModel.open(folder, null, load)) {
            progress.clear();
            var config = new QuantizationConfig(how, quantization.skipModules());
            NewFolder.write(
                    output,
                    part ->
                            new QuantizedFolderWriter(open.model(), open.files())
                                    .write(part, config));
            report(open, how);
        }
        return 0;
    }

    private static void requirePlain(Path model) {
        try (var files = ModelFiles.open(model)) {
            if (!BitsAndBytes.isIn(files)) {
                return;
            }
            throw new ConfigException(
                    "--model: %s is quantized already; expected a checkpoint in 16 or 32 bits"
                            .formatted(model));
        }
    }

    private void report(OpenModel open, Quantization how) {
        long weights = 0;
        long bytes = 0;
        for (Linear linear : open.model().linears().values()) {
            if (linear.weight() instanceof FrozenWeight.Quantized q) {
                weights += q.out() * q.in();
                bytes += q.tensor().matrix().bytes();
            }
        }
        if (json) {
            console.json(
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("output", output.toString())
                            .put("quantized_weights", weights)
                            .put("bytes", bytes));
            return;
        }
        console.out()
                .println(
                        "%s: %s weights as %s in %s (%.3f bits each)"
                                .formatted(
                                        output,
                                        Figures.count(weights),
                                        how,
                                        Figures.mebibytes(bytes),
                                        8.0 * bytes / Math.max(1, weights)));
    }
}
