package dev.graft.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Where a data set comes from and what its rows mean.
///
/// @param files read one after another; a glob names all that it matches, in order of name
/// @param textField the column of the text format
/// @param columns the name that a column is to have, and the one that it has in the files
/// @param where a condition on the columns in SQL, or empty
/// @param skipBadRows whether a line that is no row is left out and counted; else it ends the run
public record DatasetSource(
        List<Path> files,
        DatasetFormat format,
        String textField,
        Map<String, String> columns,
        String where,
        boolean skipBadRows) {
    public DatasetSource {
        files = List.copyOf(files);
        columns = Map.copyOf(columns);
    }

    public DatasetSource(
            List<Path> files, DatasetFormat format, String textField, boolean skipBadRows) {
        this(files, format, textField, Map.of(), "", skipBadRows);
    }

    /// What the rows and their meaning depend on, besides the files.
    String identity() {
        return "format %s, text field %s, columns %s, where %s, skip bad rows %s"
                .formatted(format, textField, new TreeMap<>(columns), where, skipBadRows);
    }
}
