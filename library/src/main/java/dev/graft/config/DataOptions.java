package dev.graft.config;

import dev.graft.data.DatasetFormat;
import dev.graft.error.ConfigException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

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
        boolean completionOnlyLoss,
        boolean shuffle,
        boolean streaming,
        boolean skipBadRows) {
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

    /// Whether there is anything to evaluate on.
    public boolean evaluates() {
        return !evalDataset.isEmpty() || evalSplit > 0;
    }
}
