package dev.graft.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;

/// A text file: one row, `{"text": ...}`, since a corpus is one long document.
final class WholeText implements Rows {
    private final DataFile file;
    private boolean read;

    WholeText(DataFile file) {
        this.file = file;
    }

    @Override
    public Row next() {
        if (read) {
            return null;
        }
        read = true;
        try (var reader = file.lines()) {
            String text = reader.readAllAsString();
            return new Row(file.path(), 1, JsonNodeFactory.instance.objectNode().put("text", text));
        } catch (IOException e) {
            throw file.unreadable(e);
        }
    }

    @Override
    public int skipped() {
        return 0;
    }

    @Override
    public void close() {
        // The file is closed once it was read.
    }
}
