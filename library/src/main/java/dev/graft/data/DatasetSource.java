package dev.graft.data;

import java.nio.file.Path;
import java.util.List;

/// Where a data set comes from and what its rows mean.
///
/// @param files read one after another; a glob names all that it matches, in order of name
/// @param textField the column of the text format
/// @param skipBadRows whether a line that is no row is left out and counted; else it ends the run
public record DatasetSource(
        List<Path> files, DatasetFormat format, String textField, boolean skipBadRows) {
    public DatasetSource {
        files = List.copyOf(files);
    }

    /// What the rows and their meaning depend on, besides the files.
    String identity() {
        return "format %s, text field %s, skip bad rows %s".formatted(format, textField, skipBadRows);
    }
}
