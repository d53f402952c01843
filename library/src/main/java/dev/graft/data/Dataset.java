package dev.graft.data;

import dev.graft.error.ConfigException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// A tokenized data set in memory, in the order of its files.
///
/// @param report what became of the rows; a part of a split carries that of the whole
public record Dataset(List<Example> examples, DatasetReport report) {
    public Dataset {
        examples = List.copyOf(examples);
    }

    /// The part that is trained on and the part that is held out.
    public record Split(Dataset train, Dataset eval) {}

    /// Reads, formats and tokenizes the files.
    ///
    /// @throws ConfigException where a file, a column or a row is wrong, or nothing is left to
    /// train
    public static Dataset load(
            List<Path> files, DatasetFormat format, String textField, Tokenization tokenization) {
        try (var rows = DatasetReader.open(files)) {
            return of(rows, files, format, textField, tokenization);
        }
    }

    private static Dataset of(
            Iterator<Row> rows,
            List<Path> files,
            DatasetFormat name,
            String textField,
            Tokenization tokenization) {
        var examples = new ArrayList<Example>();
        Path file = null;
        Format format = null;
        long count = 0;
        int truncated = 0;
        int windows = 0;
        int longest = 0;
        int without = 0;
        while (rows.hasNext()) {
            var row = rows.next();
            count++;
            if (!row.file().equals(file)) {
                file = row.file();
                format = formatOf(row, name, textField);
            }
            var made = tokenization.examples(format.segments(row));
            longest = Math.max(longest, made.wholeLength());
            if (made.examples().size() > 1) {
                windows += made.examples().size();
            } else if (made.truncated()) {
                truncated++;
            }
            if (made.examples().stream().allMatch(e -> e.trainedTokens() == 0)) {
                without++;
            }
            made.examples().stream().filter(e -> e.trainedTokens() > 0).forEach(examples::add);
        }
        long tokens = examples.stream().mapToLong(Example::length).sum();
        long trained = examples.stream().mapToLong(Example::trainedTokens).sum();
        var report =
                new DatasetReport(
                        count,
                        examples.size(),
                        tokens,
                        trained,
                        truncated,
                        windows,
                        longest,
                        without);
        if (examples.isEmpty()) {
            throw nothingTrained(files, report);
        }
        return new Dataset(examples, report);
    }

    private static Format formatOf(Row row, DatasetFormat name, String textField) {
        // The only column of a plain text file has no name of its own.
        boolean plainText = row.file().toString().matches("(?i).*\\.txt(\\.gz)?");
        try {
            return Format.of(name, plainText ? "text" : textField, row.columns());
        } catch (ConfigException e) {
            throw new ConfigException(row.file() + ": " + e.getMessage(), e);
        }
    }

    private static ConfigException nothingTrained(List<Path> files, DatasetReport report) {
        String why;
        if (report.rows() == 0) {
            why = "there are no rows";
        } else if (report.truncated() > 0) {
            why =
                    "%d of %d prompts alone are as long as max_length or longer; raise max_length (the longest example has %d tokens)"
                            .formatted(report.truncated(), report.rows(), report.longest());
        } else {
            why = "%d rows hold no text".formatted(report.rows());
        }
        return new ConfigException("dataset %s: no token is trained: %s".formatted(files, why));
    }

    public int size() {
        return examples.size();
    }

    public long tokens() {
        return examples.stream().mapToLong(Example::length).sum();
    }

    public long trainedTokens() {
        return examples.stream().mapToLong(Example::trainedTokens).sum();
    }

    /// Holds out some examples, always the same ones for the same seed; both parts keep their
    /// order.
    ///
    /// @param evalSplit below 1 the share to hold out (rounded up), else the number of examples
    /// @throws ConfigException where that leaves nothing to train on
    public Split split(double evalSplit, long seed) {
        int held =
                (int) Math.min(size(), evalSplit < 1 ? Math.ceil(evalSplit * size()) : evalSplit);
        if (held >= size()) {
            throw new ConfigException(
                    "eval_split: found %s, expected less than the %d examples there are"
                            .formatted(evalSplit, size()));
        }
        var order = Shuffle.permutation(size(), seed, -1);
        var heldOut = new boolean[size()];
        for (int i = 0; i < held; i++) {
            heldOut[order[i]] = true;
        }
        var train = new ArrayList<Example>();
        var eval = new ArrayList<Example>();
        for (int i = 0; i < size(); i++) {
            (heldOut[i] ? eval : train).add(examples.get(i));
        }
        return new Split(new Dataset(train, report), new Dataset(eval, report));
    }

    /// The batches of one pass in the order of the files, for evaluation.
    public List<Batch> inOrder(int batchSize) {
        var batches = new ArrayList<Batch>();
        for (int i = 0; i < size(); i += batchSize) {
            batches.add(Batch.of(examples.subList(i, Math.min(i + batchSize, size()))));
        }
        return batches;
    }
}
