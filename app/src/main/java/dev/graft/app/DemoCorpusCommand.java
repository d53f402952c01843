package dev.graft.app;

import dev.graft.app.demo.WriteDemoBase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `graft demo-corpus`: what the bundled base model is pretrained from, for those who want to do it
/// again (`recipes/demo-base.yaml`).
@Command(
        name = "demo-corpus",
        hidden = true,
        header = "Write the corpus, tokenizer and config of the bundled base model.",
        abbreviateSynopsis = true)
final class DemoCorpusCommand implements Callable<Integer> {
    private final Console console;

    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description = "Folder to write; must be new or empty.")
    private Path output;

    @Option(
            names = "--documents",
            paramLabel = "N",
            defaultValue = "100000",
            description = "Documents of the corpus (default ${DEFAULT-VALUE}).")
    private long documents;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "42",
            description = "Seed of the corpus (default ${DEFAULT-VALUE}).")
    private long seed;

    DemoCorpusCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        NewFolder.write(output, this::write);
        console.out().println(output + ": corpus, tokenizer and config");
        return 0;
    }

    private void write(Path folder) {
        try {
            WriteDemoBase.write(folder, documents, seed);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
