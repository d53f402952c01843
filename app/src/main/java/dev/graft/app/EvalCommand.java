package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.data.Dataset;
import dev.graft.data.DatasetFormat;
import dev.graft.data.DatasetSource;
import dev.graft.data.Tokenization;
import dev.graft.error.ConfigException;
import dev.graft.nn.Workspace;
import dev.graft.train.Evaluation;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `graft eval`: the loss of a model on a data set.
@Command(
        name = "eval",
        sortOptions = false,
        header = "Loss and perplexity of a model on a data set.",
        abbreviateSynopsis = true)
final class EvalCommand implements Callable<Integer> {
    private final Console console;

    @Mixin private ModelArguments arguments;
    @Mixin private ProductArguments products;

    @Option(
            names = "--dataset",
            required = true,
            split = ",",
            paramLabel = "FILE",
            description = "Files: .json, .jsonl, .csv, .parquet, .txt.")
    private List<Path> dataset;

    @Option(
            names = "--dataset-format",
            paramLabel = "FORMAT",
            defaultValue = "auto",
            description = "What the columns mean: ${COMPLETION-CANDIDATES} (default auto).")
    private DatasetFormat format;

    @Option(
            names = "--dataset-text-field",
            paramLabel = "NAME",
            defaultValue = "text",
            description = "The column of the text format (default ${DEFAULT-VALUE}).")
    private String textField;

    @Option(
            names = "--max-length",
            paramLabel = "N",
            defaultValue = "1024",
            description = "Longest sequence in tokens (default ${DEFAULT-VALUE}).")
    private int maxLength;

    @Option(
            names = "--completion-only-loss",
            arity = "0..1",
            paramLabel = "true|false",
            defaultValue = "true",
            fallbackValue = "true",
            description = "Leave prompts out of the loss (default ${DEFAULT-VALUE}).")
    private boolean completionOnlyLoss;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            defaultValue = "8",
            description = "Sequences in a batch (default ${DEFAULT-VALUE}).")
    private int batchSize;

    @Option(names = "--json", description = "One JSON object on standard output.")
    private boolean json;

    EvalCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        if (batchSize < 1) {
            throw new ConfigException(
                    "--batch-size: found %d, expected a whole number from 1".formatted(batchSize));
        }
        try (OpenModel open = arguments.open(products.placement());
                var workspace = new Workspace(products.type())) {
            int length = Math.min(maxLength, open.model().config().contextLength());
            var tokenization = new Tokenization(open.tokenizer(), length, completionOnlyLoss);
            Dataset data =
                    Dataset.load(
                            new DatasetSource(dataset, format, textField, false), tokenization);
            long begin = System.nanoTime();
            Evaluation.Result result =
                    Evaluation.of(open.model(), data.inOrder(batchSize), workspace);
            report(data, result, (System.nanoTime() - begin) / 1e9);
        }
        return 0;
    }

    private void report(Dataset data, Evaluation.Result result, double seconds) {
        if (json) {
            console.err().println("data: " + data.report());
            console.json(
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("loss", result.loss())
                            .put("perplexity", result.perplexity())
                            .put("tokens", result.tokens())
                            .put("examples", data.size())
                            .put("seconds", seconds));
            return;
        }
        console.out().println("data        " + data.report());
        console.out()
                .println(
                        Figures.format(
                                "loss        %.4f%nperplexity  %.2f%ntokens      %,d in %s, %s",
                                result.loss(),
                                result.perplexity(),
                                result.tokens(),
                                Figures.counted(data.size(), "example"),
                                Figures.duration(seconds)));
    }
}
