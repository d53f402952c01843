package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.error.ConfigException;
import java.util.Map;
import java.util.Set;

/// What the columns of a data set mean: turns a row into what it says.
public sealed interface Format permits TextFormat, ChatFormat, JudgedFormat {
    /// What a row says.
    ///
    /// @throws ConfigException where the row lacks a column or has something else in it than the
    ///     format wants
    Sample sample(Row row);

    /// The format that the name stands for, or that the first row tells where the name is `auto`.
    ///
    /// @throws ConfigException where the columns do not fit; it shows them and the formats known
    static Format of(DatasetFormat name, String textField, Row first) {
        for (DatasetFormat candidate : DatasetFormat.values()) {
            boolean asked = name == DatasetFormat.AUTO || name == candidate;
            if (asked && candidate != DatasetFormat.AUTO && candidate.fits(first, textField)) {
                return candidate.format(first, textField);
            }
        }
        throw new ConfigException(
                "dataset_format %s: found the columns %s%s, expected those of %s%n%s"
                        .formatted(
                                name,
                                shown(first),
                                wrapped(first),
                                name == DatasetFormat.AUTO ? "a known format:" : name + ":",
                                DatasetFormat.table()));
    }

    private static String shown(Row row) {
        Set<String> columns = row.columns();
        return columns.isEmpty() ? "none" : String.join(", ", columns);
    }

    /// What to do where the rows stand inside of the one object that a file has.
    private static String wrapped(Row row) {
        if (!row.file().toString().endsWith(".json")) {
            return "";
        }
        return row.values().properties().stream()
                .filter(p -> p.getValue().path(0).isObject())
                .findFirst()
                .map(Map.Entry::getKey)
                .map(
                        column ->
                                " (if the rows are the list in %s: jq -c '.[\"%s\"][]' %s > rows.jsonl)"
                                        .formatted(column, column, row.file()))
                .orElse("");
    }

    /// The text of a column.
    static String required(Row row, String column) {
        JsonNode value = row.values().get(column);
        if (value != null && value.isTextual()) {
            return value.textValue();
        }
        boolean none = value == null || value.isNull();
        throw new ConfigException(
                "%s: found %s in column %s, expected a text%s"
                        .formatted(
                                row.place(),
                                none ? "nothing" : DatasetReader.excerpt(value.toString()),
                                column,
                                none ? "; to leave such rows out, set skip_bad_rows: true" : ""));
    }

    /// The text of a column, empty where there is none.
    static String optional(Row row, String column) {
        JsonNode value = row.values().get(column);
        return value == null || value.isNull() ? "" : required(row, column);
    }
}
