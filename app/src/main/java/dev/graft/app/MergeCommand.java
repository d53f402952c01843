package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.error.ConfigException;
import dev.graft.export.ModelFolderWriter;
import dev.graft.quant.BitsAndBytes;
import dev.graft.tensor.DType;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `graft merge`: folds an adapter into its base.
@Command(
        name = "merge",
        sortOptions = false,
        header = "Fold an adapter into its base: a folder that Transformers loads.",
        description = "%nWithout --adapter it writes the model in another type (--dtype).",
        abbreviateSynopsis = true)
final class MergeCommand implements Callable<Integer> {
    private final Console console;

    @Mixin private ModelArguments arguments;

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
            description = "float32, bfloat16 or float16 (default: that of the base).")
    private DType dtype;

    @Option(
            names = "--dequantize",
            description =
                    "Write a base in codes as the plain numbers that it stands for, with the"
                            + " adapter added.")
    private boolean dequantize;

    @Option(names = "--json", description = "One JSON object on standard output.")
    private boolean json;

    MergeCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        try (OpenModel open = arguments.open()) {
            if (BitsAndBytes.isIn(open.files()) && !dequantize) {
                throw new ConfigException(
                        "--model: %s is stored in codes, and an adapter merged into codes is mostly rounded away; expected the 16-bit base that it was made from (recommended), or --dequantize, which writes the values that the codes stand for plus the adapter in 16 bits"
                                .formatted(open.files().folder()));
            }
            NewFolder.write(
                    output,
                    part -> new ModelFolderWriter(open.model(), open.files(), dtype).write(part));
            long all = open.files().files().stream().mapToLong(file -> file.tensors().size()).sum();
            report(open.changedTensors(), all);
        }
        return 0;
    }

    private void report(long changed, long all) {
        if (json) {
            console.json(
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("output", output.toString())
                            .put("changed_tensors", changed)
                            .put("tensors", all));
            return;
        }
        console.out()
                .println(
                        "%s: %s of %s changed by the adapter"
                                .formatted(
                                        output,
                                        Figures.count(changed),
                                        Figures.counted(all, "tensor")));
        console.out()
                .println(
                        "try it:  %s generate --model %s --prompt '...'"
                                .formatted(Console.command(), output));
    }
}
