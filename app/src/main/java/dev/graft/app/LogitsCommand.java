package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.disk.AtomicFile;
import dev.graft.nn.Tape;
import dev.graft.nn.Workspace;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `graft logits`: the logits of a sequence in a file, to compare with another program's.
@Command(
        name = "logits",
        hidden = true,
        sortOptions = false,
        header = "Write the logits of a sequence of token ids.",
        abbreviateSynopsis = true)
final class LogitsCommand implements Callable<Integer> {
    private final Console console;

    @Mixin private ModelArguments arguments;

    @Option(
            names = "--ids",
            required = true,
            split = ",",
            paramLabel = "N",
            description = "Token ids.")
    private int[] ids;

    @Option(names = "--output", required = true, paramLabel = "FILE", description = "JSON file.")
    private Path output;

    LogitsCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        var json = JsonNodeFactory.instance.objectNode();
        var array = json.putArray("ids");
        for (int id : ids) {
            array.add(id);
        }
        var rows = json.putArray("logits");
        try (OpenModel open = arguments.open();
                var workspace = new Workspace();
                var _ = Scope.open("logits");
                var tape = Tape.inference(workspace)) {
            Tensor logits = open.model().logits(tape, ids); // [T, V]
            float[] values = logits.toFloats();
            int vocabulary = Math.toIntExact(logits.size(1));
            for (int t = 0; t < ids.length; t++) {
                var row = rows.addArray();
                for (int v = 0; v < vocabulary; v++) {
                    row.add(values[t * vocabulary + v]);
                }
            }
        }
        AtomicFile.write(output, json + "\n");
        console.err().println(output + ": logits of " + Figures.counted(ids.length, "position"));
        return 0;
    }
}
