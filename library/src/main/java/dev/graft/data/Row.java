package dev.graft.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;

/// One row of a data set, as the file has it.
///
/// @param number 1 for the first row of the file
public record Row(Path file, long number, ObjectNode values) {
    public Set<String> columns() {
        var columns = new LinkedHashSet<String>();
        values.fieldNames().forEachRemaining(columns::add);
        return columns;
    }

    /// Where the row is, for messages.
    public String place() {
        return file + " row " + number;
    }
}
