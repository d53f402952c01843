package dev.graft.data;

import dev.graft.error.ConfigException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;

/// Turns rows into examples; the columns of a file's first row tell its format. For several
/// threads.
final class RowTokenizer {
    private final DatasetFormat name;
    private final String textField;
    private final Tokenization tokenization;
    private final boolean skipBadRows;
    private final AtomicReference<String> firstBad = new AtomicReference<>();
    private final Map<Path, Format> formats = new ConcurrentHashMap<>();

    RowTokenizer(DatasetSource source, Tokenization tokenization) {
        this.name = source.format();
        this.textField = source.textField();
        this.tokenization = tokenization;
        this.skipBadRows = source.skipBadRows();
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

    /// The examples of a row; of one that is not what its format or the template wants, none where
    /// such are to be left out.
    Tokenization.Made examples(Row row) {
        try {
            return made(row);
        } catch (ConfigException e) {
            if (!skipBadRows) {
                throw e;
            }
            firstBad.compareAndSet(null, e.getMessage());
            return Tokenization.Made.BAD;
        }
    }

    /// What is wrong with the first row that was left out.
    Optional<String> firstBad() {
        return Optional.ofNullable(firstBad.get());
    }

    private Tokenization.Made made(Row row) {
        return switch (formats.get(row.file()).sample(row)) {
            case Sample.Text(var segments) -> tokenization.examples(segments);
            case Sample.Chat(var conversation) -> tokenization.examples(row, conversation);
            case Sample.Nothing() -> Tokenization.Made.NOTHING;
        };
    }

    private Format formatOf(Row row) {
        // The only column of a plain text file has no name of its own.
        boolean plainText = row.file().toString().matches("(?i).*\\.txt(\\.gz|\\.zst)?");
        try {
            return Format.of(name, plainText ? "text" : textField, row);
        } catch (ConfigException e) {
            throw new ConfigException(row.file() + ": " + e.getMessage(), e);
        }
    }
}
