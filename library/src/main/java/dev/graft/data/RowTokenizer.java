package dev.graft.data;

import dev.graft.error.ConfigException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Turns rows into examples; the columns of a file's first row tell its format. For several
/// threads.
final class RowTokenizer {
    private final DatasetFormat name;
    private final String textField;
    private final Tokenization tokenization;
    private final Map<Path, Format> formats = new ConcurrentHashMap<>();

    RowTokenizer(DatasetSource source, Tokenization tokenization) {
        this.name = source.format();
        this.textField = source.textField();
        this.tokenization = tokenization;
    }

    /// The rows, each looked at in its order before it goes to `examples`.
    Iterator<Row> seeing(Iterator<Row> rows) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return rows.hasNext();
            }

            @Override
            public Row next() {
                var row = rows.next();
                if (!formats.containsKey(row.file())) {
                    formats.put(row.file(), formatOf(row));
                }
                return row;
            }
        };
    }

    Tokenization.Made examples(Row row) {
        return switch (formats.get(row.file()).sample(row)) {
            case Sample.Text(var segments) -> tokenization.examples(segments);
            case Sample.Chat(var conversation) -> tokenization.examples(row, conversation);
            case Sample.Nothing() -> Tokenization.Made.NOTHING;
        };
    }

    private Format formatOf(Row row) {
        // The only column of a plain text file has no name of its own.
        boolean plainText = row.file().toString().matches("(?i).*\\.txt(\\.gz)?");
        try {
            return Format.of(name, plainText ? "text" : textField, row);
        } catch (ConfigException e) {
            throw new ConfigException(row.file() + ": " + e.getMessage(), e);
        }
    }
}
