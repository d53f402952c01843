package dev.graft.data;

import java.util.Locale;

/// What became of the rows of a data set; printed before training.
///
/// @param examples sequences to train on
/// @param truncated examples that were longer than `max_length`: their end, and the EOS, is cut off
/// @param windows examples that are pieces of texts longer than `max_length`
/// @param longest tokens of the longest sequence before it was cut
/// @param withoutTrainedToken rows that were dropped because none of their tokens is trained
/// @param leftOut rows whose answer was judged bad
/// @param skipped lines that are no rows and rows that are not what their format wants, where
///     `skip_bad_rows` leaves them out
public record DatasetReport(
        long rows,
        int examples,
        long tokens,
        long trainedTokens,
        int truncated,
        int windows,
        int longest,
        int withoutTrainedToken,
        int leftOut,
        int skipped) {

    /// What became of the rows of both.
    DatasetReport plus(DatasetReport o) {
        return new DatasetReport(
                rows + o.rows,
                examples + o.examples,
                tokens + o.tokens,
                trainedTokens + o.trainedTokens,
                truncated + o.truncated,
                windows + o.windows,
                Math.max(longest, o.longest),
                withoutTrainedToken + o.withoutTrainedToken,
                leftOut + o.leftOut,
                skipped + o.skipped);
    }

    @Override
    public String toString() {
        var text =
                new StringBuilder(
                        String.format(
                                Locale.ROOT,
                                "%,d rows, %,d examples, %,d tokens, %,d of them trained (%.1f %%), longest %,d",
                                rows,
                                examples,
                                tokens,
                                trainedTokens,
                                tokens == 0 ? 0.0 : 100.0 * trainedTokens / tokens,
                                longest));
        if (truncated > 0) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "; %,d longer than max_length, cut off without their end-of-sequence",
                            truncated));
        }
        if (windows > 0) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "; %,d are windows of texts longer than max_length",
                            windows));
        }
        if (withoutTrainedToken > 0) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "; %,d dropped without a trained token",
                            withoutTrainedToken));
        }
        if (leftOut > 0) {
            text.append(String.format(Locale.ROOT, "; %,d left out, label false", leftOut));
        }
        if (skipped > 0) {
            text.append(String.format(Locale.ROOT, "; %,d bad rows skipped", skipped));
        }
        return text.toString();
    }
}
