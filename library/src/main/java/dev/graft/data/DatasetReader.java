package dev.graft.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.graft.error.ConfigException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/// The rows of data set files, one after another, never all in memory: JSON (an array or objects
/// one after another), JSON Lines, CSV, Parquet and plain text, packed by gzip or zstd or not.
public final class DatasetReader implements Iterator<Row>, AutoCloseable {
    /// Takes documents of any length, and NaN and Infinity as Python writes them.
    private static final JsonMapper JSON =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxStringLength(Integer.MAX_VALUE)
                                                    .build())
                                    .build())
                    .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .build();

    /// Rows that a condition is decided for at a time.
    private static final int CHUNK = 128;

    private final Iterator<DataFile> files;
    private final Map<String, String> columns;
    private final boolean skipBadRows;
    private final RowFilter filter;
    private Rows rows;
    private Row next;
    private Iterator<Row> chosen = List.<Row>of().iterator();
    private int skipped;

    private DatasetReader(
            List<DataFile> files, Map<String, String> columns, String where, boolean skipBadRows) {
        this.files = files.iterator();
        this.columns = columns;
        this.skipBadRows = skipBadRows;
        this.filter = where.isBlank() ? null : new RowFilter(where);
    }

    /// Opens the files (a glob such as `data/*.jsonl` names all that it matches, in order of name).
    ///
    /// @throws ConfigException where a file does not exist or its name ends in nothing known
    public static DatasetReader open(DatasetSource source) {
        return open(source.files(), source.columns(), source.where(), source.skipBadRows());
    }

    public static DatasetReader open(Path... paths) {
        return open(List.of(paths), Map.of(), "", false);
    }

    private static DatasetReader open(
            List<Path> paths, Map<String, String> columns, String where, boolean skipBadRows) {
        var files = new ArrayList<DataFile>();
        for (var path : paths) {
            files.addAll(DataFile.find(path));
        }
        return new DatasetReader(files, columns, where, skipBadRows);
    }

    /// Records so far that were no rows.
    public int skipped() {
        return skipped + (rows == null ? 0 : rows.skipped());
    }

    @Override
    public boolean hasNext() {
        if (next == null) {
            next = filter == null ? read() : filtered();
        }
        return next != null;
    }

    @Override
    public Row next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        var row = next;
        next = null;
        return row.renamed(columns);
    }

    private Row filtered() {
        while (!chosen.hasNext()) {
            var chunk = new ArrayList<Row>(CHUNK);
            for (Row row; chunk.size() < CHUNK && (row = read()) != null; ) {
                chunk.add(row);
            }
            if (chunk.isEmpty()) {
                filter.end();
                return null;
            }
            chosen = filter.chosen(chunk).iterator();
        }
        return chosen.next();
    }

    /// The next row of the files, or null after the last.
    private Row read() {
        while (rows != null || files.hasNext()) {
            if (rows == null) {
                rows = open(files.next());
            }
            Row row = rows.next();
            if (row != null) {
                return row;
            }
            skipped += rows.skipped();
            rows.close();
            rows = null;
        }
        return null;
    }

    private Rows open(DataFile file) {
        return switch (file.type()) {
            case JSON, JSON_LINES ->
                    JsonLines.fits(file, JSON)
                            ? new JsonLines(file, JSON, skipBadRows)
                            : new JsonValues(file, JSON);
            case CSV -> new CsvRows(file, skipBadRows);
            case PARQUET -> new ParquetRows(file, JSON);
            case TEXT -> new WholeText(file);
        };
    }

    /// The beginning of a text, for messages.
    static String excerpt(String text) {
        String begin = text.length() <= 60 ? text : text.substring(0, 57) + "...";
        return begin.replaceAll("\\p{Cntrl}", " ");
    }

    /// What is wrong, without Jackson's list of all that JSON may have.
    static String problem(JsonProcessingException e) {
        return e.getOriginalMessage()
                .replaceAll("(?s):? (was )?expect(ed|ing) (a valid value|\\(JSON String).*", "");
    }

    @Override
    public void close() {
        if (rows != null) {
            rows.close();
        }
        if (filter != null) {
            filter.close();
        }
    }
}
