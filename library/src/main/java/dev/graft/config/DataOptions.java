package dev.graft.config;

import dev.graft.data.DatasetFormat;
import dev.graft.data.LossPart;
import dev.graft.error.ConfigException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What is trained and evaluated on.
///
/// @param streaming whether examples are made while training, and not kept
/// @param evalSplit below 1 the share of rows that is held out, else their number; 0 holds out none
public record DataOptions(
        List<Path> dataset,
        List<Path> evalDataset,
        DatasetFormat format,
        String textField,
        Map<String, String> columns,
        List<Double> weights,
        String where,
        double evalSplit,
        int maxLength,
        LossOptions loss,
        String template,
        boolean shuffle,
        boolean streaming,
        boolean skipBadRows) {
    /// Which tokens are trained.
    ///
    /// @param completionOnly whether prompts of texts are left out
    /// @param assistantOnly whether what others say in conversations is left out
    /// @param maskHistory whether all but the last answer is left out
    public record LossOptions(boolean completionOnly, boolean assistantOnly, boolean maskHistory) {
        /// The part of a text.
        public LossPart ofTexts() {
            return completionOnly ? LossPart.ANSWERS : LossPart.ALL;
        }

        /// The part of a conversation.
        public LossPart ofChats() {
            if (!assistantOnly) {
                return LossPart.ALL;
            }
            return maskHistory ? LossPart.LAST_ANSWER : LossPart.ANSWERS;
        }
    }

    public DataOptions {
        dataset = List.copyOf(dataset);
        evalDataset = List.copyOf(evalDataset);
        columns = Map.copyOf(columns);
        weights = List.copyOf(weights);
        if (dataset.isEmpty()) {
            throw new ConfigException(Keys.DATASET.problem("nothing"));
        }
        Keys.DATASET_TEXT_FIELD.check(textField);
        Keys.EVAL_SPLIT.check(evalSplit);
        Keys.MAX_LENGTH.check(maxLength);
    }

    /// The chat template that the user chose.
    public Optional<String> chatTemplate() {
        return Optional.ofNullable(template);
    }

    /// Whether there is anything to evaluate on.
    public boolean evaluates() {
        return !evalDataset.isEmpty() || evalSplit > 0;
    }
}
