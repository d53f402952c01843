package dev.graft.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// What a tokenized data set looks like to the model, counted before training: the damage of this
/// field is silent later on.
///
/// @param examples how many there are; a part of a split has the numbers of the whole
/// @param withOneBos those that begin with exactly one BOS
/// @param withTwoBos those that begin with more
/// @param endTrained those whose last trained token ends a generation
/// @param duplicates those that are equal to an earlier one
/// @param emptyAnswers those of which at most white space and an end token is trained
/// @param lengths numbers of examples by the power of two that their length reaches
/// @param largestId the largest token id
/// @param bosExpected whether the tokenizer begins texts with a BOS
public record Inspection(
        int examples,
        long tokens,
        long trainedTokens,
        int withOneBos,
        int withTwoBos,
        int endTrained,
        int duplicates,
        int emptyAnswers,
        TreeMap<Integer, Integer> lengths,
        int largestId,
        boolean bosExpected) {
    /// Of data that nobody looked at.
    static final Inspection NONE =
            new Inspection(0, 0, 0, 0, 0, 0, 0, 0, new TreeMap<>(), 0, false);

    /// Looks at examples in memory.
    public static Inspection of(List<Example> all, Tokenizer tokenizer) {
        var counts = new Counts(tokenizer);
        all.forEach(counts::add);
        long[] hashes = all.stream().mapToLong(Duplicates::hash).toArray();
        return counts.inspection()
                .withDuplicates(
                        Duplicates.count(hashes.length, () -> Arrays.stream(hashes).iterator()));
    }

    Inspection withDuplicates(int number) {
        return new Inspection(
                examples,
                tokens,
                trainedTokens,
                withOneBos,
                withTwoBos,
                endTrained,
                number,
                emptyAnswers,
                lengths,
                largestId,
                bosExpected);
    }

    /// What was seen of both; what is equal in both is not counted as duplicate.
    Inspection plus(Inspection o) {
        var both = new TreeMap<>(lengths);
        o.lengths.forEach((length, count) -> both.merge(length, count, Integer::sum));
        return new Inspection(
                examples + o.examples,
                tokens + o.tokens,
                trainedTokens + o.trainedTokens,
                withOneBos + o.withOneBos,
                withTwoBos + o.withTwoBos,
                endTrained + o.endTrained,
                duplicates + o.duplicates,
                emptyAnswers + o.emptyAnswers,
                both,
                Math.max(largestId, o.largestId),
                bosExpected || o.bosExpected);
    }

    /// Looks at examples one by one, at all but for duplicates.
    static final class Counts {
        private final Set<Integer> stops = new HashSet<>();
        private final OptionalInt bos;
        private final Tokenizer tokenizer;
        private final TreeMap<Integer, Integer> lengths = new TreeMap<>();
        private int examples;
        private long tokens;
        private long trained;
        private int oneBos;
        private int twoBos;
        private int ended;
        private int empty;
        private int largest;

        Counts(Tokenizer tokenizer) {
            Arrays.stream(tokenizer.stopIds()).forEach(stops::add);
            this.bos = tokenizer.bosId();
            this.tokenizer = tokenizer;
        }

        void add(Example example) {
            int[] ids = example.ids();
            int marks = example.trainedTokens();
            examples++;
            tokens += ids.length;
            trained += marks;
            lengths.merge(Integer.highestOneBit(ids.length), 1, Integer::sum);
            for (int id : ids) {
                largest = Math.max(largest, id);
            }
            if (bos.isPresent() && ids[0] == bos.getAsInt()) {
                boolean twice = ids.length > 1 && ids[1] == bos.getAsInt();
                twoBos += twice ? 1 : 0;
                oneBos += twice ? 0 : 1;
            }
            int last = ids.length - 1;
            while (last > 0 && !example.trained()[last]) {
                last--;
            }
            boolean ends = stops.contains(ids[last]) || tokenizer.isSpecial(ids[last]);
            ended += ends ? 1 : 0;
            empty += marks <= (ends ? 1 : 0) || isBlank(example, marks) ? 1 : 0;
        }

        /// Whether an answer is white space and no more; few tokens are, more are not looked at.
        private boolean isBlank(Example example, int marks) {
            if (marks > 4) {
                return false;
            }
            int[] answer =
                    IntStream.range(0, example.length())
                            .filter(i -> example.trained()[i])
                            .map(i -> example.ids()[i])
                            .toArray();
            return tokenizer.decode(answer, true).isBlank();
        }

        Inspection inspection() {
            return new Inspection(
                    examples,
                    tokens,
                    trained,
                    oneBos,
                    twoBos,
                    ended,
                    0,
                    empty,
                    lengths,
                    largest,
                    tokenizer.addsBos());
        }
    }

    /// What is worth a word, the worst first.
    ///
    /// @param vocabulary rows of the model's embedding
    /// @param wholeAreTexts whether examples are pieces of texts, which need not end
    public List<Finding> findings(DatasetReport report, int vocabulary, boolean wholeAreTexts) {
        var findings = new ArrayList<Finding>();
        if (largestId >= vocabulary) {
            findings.add(
                    error(
                            "model_name_or_path",
                            "token id %,d is beyond the model's vocabulary of %,d: the tokenizer belongs to another model",
                            largestId,
                            vocabulary));
        }
        if (withTwoBos > 0) {
            findings.add(
                    error(
                            "chat_template",
                            "%,d of %,d examples begin with two BOS tokens; the data spell one out that the tokenizer or the template adds too",
                            withTwoBos,
                            examples));
        }
        if (!wholeAreTexts && endTrained < examples) {
            boolean most = endTrained * 10L < examples * 9L;
            findings.add(
                    new Finding(
                            most ? Finding.Level.WARNING : Finding.Level.NOTE,
                            text(
                                    "an end token is trained in %.1f %% of the examples; a model that does not see it often enough does not stop",
                                    100.0 * endTrained / examples),
                            "max_length"));
        }
        if (withOneBos == 0 && bosExpected) {
            findings.add(
                    new Finding(
                            Finding.Level.NOTE,
                            "the chat template writes no BOS, which the tokenizer puts before texts",
                            "chat_template"));
        }
        share(
                findings,
                report.truncated(),
                report.rows(),
                "max_length",
                "longer than max_length and cut off");
        share(findings, emptyAnswers, examples, "dataset_where", "without an answer to learn");
        share(findings, duplicates, examples, "dataset_where", "equal to an earlier one");
        share(
                findings,
                report.withoutTrainedToken(),
                report.rows(),
                "max_length",
                "dropped, since none of their tokens is trained");
        share(
                findings,
                report.skipped(),
                report.rows() + report.skipped(),
                "skip_bad_rows",
                "bad rows, and skipped");
        return findings;
    }

    private static void share(
            List<Finding> findings, long count, long of, String key, String what) {
        if (count > 0) {
            double percent = 100.0 * count / of;
            findings.add(
                    new Finding(
                            percent >= 5 ? Finding.Level.WARNING : Finding.Level.NOTE,
                            text("%,d of %,d (%.1f %%) are %s", count, of, percent, what),
                            key));
        }
    }

    @SuppressWarnings("AnnotateFormatMethod") // all callers are in this file
    private static Finding error(String key, String format, Object... values) {
        return new Finding(Finding.Level.ERROR, text(format, values), key);
    }

    @SuppressWarnings("AnnotateFormatMethod") // all callers are in this file
    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
