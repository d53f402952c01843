package dev.graft.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
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

    /// The same row with columns under other names.
    ///
    /// @param names the new name of a column and the one that it has
    Row renamed(Map<String, String> names) {
        if (names.isEmpty()) {
            return this;
        }
        ObjectNode renamed = values.deepCopy();
        names.forEach(
                (to, from) -> {
                    if (values.has(from)) {
                        renamed.set(to, values.get(from));
                    }
                });
        names.values().stream().filter(from -> !names.containsKey(from)).forEach(renamed::remove);
        return new Row(file, number, renamed);
    }

    /// Where the row is, for messages.
    public String place() {
        return file + " row " + number;
    }
}
