package dev.graft.data;

import dev.graft.error.ConfigException;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.RandomAccess;
import java.util.function.Consumer;

/// A tokenized data set, in memory or in a mapped file, in the order of its files.
///
/// @param report what became of the rows; a part of a split carries that of the whole
/// @param inspection what the examples look like; a part of a split carries that of the whole
public record Dataset(List<Example> examples, DatasetReport report, Inspection inspection) {
    /// Examples that nobody looked at.
    public Dataset(List<Example> examples, DatasetReport report) {
        this(examples, report, Inspection.NONE);
    }

    /// What became of rows, and what their examples look like.
    record Summary(DatasetReport report, Inspection inspection) {}

    /// The part that is trained on and the part that is held out.
    public record Split(Dataset train, Dataset eval) {}

    /// Reads, formats and tokenizes the files.
    ///
    /// @throws ConfigException where a file, a column or a row is wrong, or nothing is left to
    /// train
    public static Dataset load(DatasetSource source, Tokenization tokenization) {
        var examples = new ArrayList<Example>();
        var report = tokenize(source, tokenization, examples::add).report();
        return of(examples, report, tokenization);
    }

    private static Dataset of(
            List<Example> examples, DatasetReport report, Tokenization tokenization) {
        return new Dataset(
                List.copyOf(examples), report, Inspection.of(examples, tokenization.tokenizer()));
    }

    /// The first examples of the files, and a report on the rows that they are from.
    ///
    /// @param count at most so many
    /// @throws ConfigException as in `load`
    public static Dataset first(int count, DatasetSource source, Tokenization tokenization) {
        var examples = new ArrayList<Example>();
        var tokenizer = new RowTokenizer(source, tokenization);
        var tally = new Tally();
        try (var rows = DatasetReader.open(source)) {
            var seen = tokenizer.seeing(rows);
            while (examples.size() < count && seen.hasNext()) {
                tally.add(tokenizer.examples(seen.next()), examples::add);
            }
            var report = tally.report(rows.skipped());
            if (examples.isEmpty()) {
                throw nothingTrained(source.files(), report, tokenizer);
            }
            return of(examples.subList(0, Math.min(count, examples.size())), report, tokenization);
        }
    }

    /// Hands the examples over one by one, in the order of the rows.
    ///
    /// @throws ConfigException as in `load`
    static Summary tokenize(
            DatasetSource source, Tokenization tokenization, Consumer<Example> sink) {
        var tokenizer = new RowTokenizer(source, tokenization);
        var tally = new Tally();
        var counts = new Inspection.Counts(tokenization.tokenizer());
        Consumer<Example> both =
                example -> {
                    counts.add(example);
                    sink.accept(example);
                };
        try (var rows = DatasetReader.open(source);
                var made = new Pipeline<>(tokenizer.seeing(rows), tokenizer::examples)) {
            while (made.hasNext()) {
                tally.add(made.next(), both);
            }
            var report = tally.report(rows.skipped());
            if (report.examples() == 0) {
                throw nothingTrained(source.files(), report, tokenizer);
            }
            return new Summary(report, counts.inspection());
        }
    }

    /// Counts what becomes of rows.
    private static final class Tally {
        private long rows;
        private int examples;
        private long tokens;
        private long trained;
        private int truncated;
        private int windows;
        private int longest;
        private int without;
        private int leftOut;
        private int bad;

        void add(Tokenization.Made made, Consumer<Example> sink) {
            if (made.isBad()) {
                bad++;
                return;
            }
            rows++;
            if (made.examples().isEmpty()) {
                leftOut++;
                return;
            }
            longest = Math.max(longest, made.wholeLength());
            if (made.examples().size() > 1) {
                windows += made.examples().size();
            } else if (made.truncated()) {
                truncated++;
            }
            boolean any = false;
            for (var example : made.examples()) {
                int marks = example.trainedTokens();
                if (marks > 0) {
                    any = true;
                    examples++;
                    tokens += example.length();
                    trained += marks;
                    sink.accept(example);
                }
            }
            if (!any) {
                without++;
            }
        }

        DatasetReport report(int skipped) {
            return new DatasetReport(
                    rows,
                    examples,
                    tokens,
                    trained,
                    truncated,
                    windows,
                    longest,
                    without,
                    leftOut,
                    bad + skipped);
        }
    }

    private static ConfigException nothingTrained(
            List<Path> files, DatasetReport report, RowTokenizer tokenizer) {
        String why;
        if (report.rows() == 0 && report.skipped() > 0) {
            why =
                    "all rows are bad, such as "
                            + tokenizer.firstBad().orElse("lines that are no JSON");
        } else if (report.rows() == 0) {
            why = "there are no rows";
        } else if (report.truncated() > 0) {
            why =
                    "%d of %d prompts alone are as long as max_length or longer; raise max_length (the longest example has %d tokens)"
                            .formatted(report.truncated(), report.rows(), report.longest());
        } else if (report.leftOut() == report.rows()) {
            why = "the label of all %d rows is false".formatted(report.rows());
        } else {
            why = "%d rows hold no text".formatted(report.rows());
        }
        return new ConfigException("dataset %s: no token is trained: %s".formatted(files, why));
    }

    public int size() {
        return examples.size();
    }

    public long tokens() {
        long tokens = 0;
        for (int i = 0; i < size(); i++) {
            tokens += length(i);
        }
        return tokens;
    }

    public long trainedTokens() {
        long trained = 0;
        for (int i = 0; i < size(); i++) {
            trained += trained(i);
        }
        return trained;
    }

    /// Tokens of example `i`.
    int length(int i) {
        return examples instanceof Measured known ? known.length(i) : examples.get(i).length();
    }

    /// Tokens of example `i` that are trained.
    int trained(int i) {
        return examples instanceof Measured known
                ? known.trained(i)
                : examples.get(i).trainedTokens();
    }

    /// The lengths of the longest examples, the longest first.
    ///
    /// @param count at most so many
    public List<Integer> longest(int count) {
        var longest = new PriorityQueue<Integer>();
        for (int i = 0; i < size(); i++) {
            longest.add(length(i));
            if (longest.size() > count) {
                longest.remove();
            }
        }
        return longest.stream().sorted(Comparator.reverseOrder()).toList();
    }

    /// Some of the examples of a data set, in its order.
    private static final class Selection extends AbstractList<Example>
            implements RandomAccess, Measured {
        private final Dataset whole;
        private final int[] indices;

        Selection(Dataset whole, int[] indices) {
            this.whole = whole;
            this.indices = indices;
        }

        @Override
        public int length(int i) {
            return whole.length(indices[i]);
        }

        @Override
        public int trained(int i) {
            return whole.trained(indices[i]);
        }

        @Override
        public Example get(int i) {
            return whole.examples.get(indices[i]);
        }

        @Override
        public int size() {
            return indices.length;
        }
    }

    /// Data sets as one, whose examples come so often in an epoch as their weight says.
    ///
    /// @param weights above 0, one for each
    public static Dataset mixed(List<Dataset> parts, List<Double> weights, long seed) {
        return Mixture.of(parts, weights, seed);
    }

    /// Data sets one after another.
    public static Dataset joined(List<Dataset> parts) {
        return Mixture.of(parts, parts.stream().map(_ -> 1.0).toList(), 0);
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
        if (held == 0) {
            return new Split(this, part(new int[0]));
        }
        var order = Shuffle.permutation(size(), seed, -1);
        var heldOut = Arrays.copyOf(order, held);
        var train = Arrays.copyOfRange(order, held, order.length);
        Arrays.sort(heldOut);
        Arrays.sort(train);
        return new Split(part(train), part(heldOut));
    }

    private Dataset part(int[] indices) {
        return new Dataset(new Selection(this, indices), report, inspection);
    }

    /// The batches of one pass in the order of the files, for evaluation; each is made when it is
    /// asked for.
    public List<Batch> inOrder(int batchSize) {
        return new AbstractList<>() {
            @Override
            public Batch get(int i) {
                int from = i * batchSize;
                return Batch.of(
                        examples.subList(from, Math.min(from + batchSize, Dataset.this.size())));
            }

            @Override
            public int size() {
                return Math.ceilDiv(Dataset.this.size(), batchSize);
            }
        };
    }
}
