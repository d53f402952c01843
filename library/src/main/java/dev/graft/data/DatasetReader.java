package dev.graft.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Properties;
import java.util.stream.Collectors;

/// The rows of data set files, one after another, never all in memory: JSON (an array or objects
/// one after another), JSON Lines, CSV, Parquet and plain text, gzipped or not, by DuckDB.
///
/// JSON is read as raw objects and CSV as text, never by inferred types: inference turns strings
/// that look like dates into dates and fills nested objects with keys that the file does not have.
/// A `.txt` file is one row, `{"text": ...}`: a corpus is one long document.
public final class DatasetReader implements Iterator<Row>, AutoCloseable {
    /// A document may be longer than the 20 million characters that Jackson takes by itself.
    private static final JsonMapper JSON =
            new JsonMapper(
                    JsonFactory.builder()
                            .streamReadConstraints(
                                    StreamReadConstraints.builder()
                                            .maxStringLength(Integer.MAX_VALUE)
                                            .build())
                            .build());
    private static final String JSON_OPTIONS = "maximum_object_size = 268435456";

    private final Connection duckdb;
    private final Iterator<DataFile> files;
    private DataFile file;
    private Statement statement;
    private ResultSet rows;
    private long number;
    private Row next;
    private JsonLines lines;
    private final Map<String, String> columns;
    private final String where;
    private final boolean skipBadRows;
    private int skipped;

    private DatasetReader(
            Connection duckdb,
            List<DataFile> files,
            Map<String, String> columns,
            String where,
            boolean skipBadRows) {
        this.duckdb = duckdb;
        this.files = files.iterator();
        this.columns = columns;
        this.where = where;
        this.skipBadRows = skipBadRows;
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
        return new DatasetReader(connect(), files, columns, where, skipBadRows);
    }

    /// Lines so far that were no rows.
    public int skipped() {
        return skipped + (lines == null ? 0 : lines.skipped());
    }

    private static Connection connect() {
        try {
            var properties = new Properties();
            properties.setProperty("jdbc_stream_results", "true");
            var duckdb = DriverManager.getConnection("jdbc:duckdb:", properties);
            try (var settings = duckdb.createStatement()) {
                settings.execute("SET threads = 2");
                settings.execute("SET autoinstall_known_extensions = false");
                settings.execute("SET autoload_known_extensions = false");
                settings.execute("SET preserve_insertion_order = true");
            }
            return duckdb;
        } catch (SQLException e) {
            throw new IllegalStateException("DuckDB does not start", e);
        }
    }

    @Override
    public boolean hasNext() {
        while (next == null) {
            if (lines != null) {
                next = lines.next();
                if (next == null) {
                    closeLines();
                }
                continue;
            }
            if (rows == null) {
                if (!openNextFile()) {
                    return false;
                }
                continue;
            }
            try {
                if (rows.next()) {
                    next = new Row(file.path(), ++number, parse(rows.getString(1)));
                } else {
                    closeFile();
                }
            } catch (SQLException e) {
                throw corrupt(e);
            }
        }
        return true;
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

    private boolean openNextFile() {
        if (!files.hasNext()) {
            return false;
        }
        file = files.next();
        number = 0;
        if (file.type() == DataFile.Type.TEXT) {
            next = new Row(file.path(), 1, JSON.createObjectNode().put("text", wholeText()));
            return true;
        }
        if (where.isEmpty() && file.isPlainJsonLines()) {
            lines = new JsonLines(file, JSON, skipBadRows);
            return true;
        }
        try {
            statement = duckdb.createStatement();
            rows = statement.executeQuery(filtered(query(file)));
        } catch (SQLException e) {
            throw corrupt(e);
        }
        return true;
    }

    /// Every query gives one column with one JSON object a row.
    private static String query(DataFile file) {
        String path = DataFile.quoted(file.globSafe());
        return switch (file.type()) {
            case JSON, JSON_LINES ->
                    "SELECT json FROM read_json_objects(%s, format = 'auto', %s)"
                            .formatted(path, JSON_OPTIONS);
            case CSV -> CsvHeader.read(file).query(path);
            case PARQUET ->
                    "SELECT to_json(struct_pack(*COLUMNS(*))) FROM read_parquet(%s)"
                            .formatted(path);
            case TEXT -> throw new IllegalArgumentException("text is read as a whole");
        };
    }

    /// The rows for which the condition holds. Its columns are texts, as a row's JSON has
    /// them: `n > 3` compares as numbers all the same.
    private String filtered(String query) throws SQLException {
        if (where.isEmpty()) {
            return query;
        }
        var names = new ArrayList<String>();
        try (var statement = duckdb.createStatement();
                var found =
                        statement.executeQuery(
                                "SELECT DISTINCT unnest(json_keys(r)) AS k FROM (SELECT * FROM (%s) LIMIT 1000) t(r) ORDER BY k"
                                        .formatted(query))) {
            while (found.next()) {
                names.add(found.getString(1));
            }
        }
        String columns =
                names.stream()
                        .map(
                                n ->
                                        ", r ->> %s AS \"%s\""
                                                .formatted(
                                                        DataFile.quoted(
                                                                "$.\""
                                                                        + n.replace("\"", "\\\"")
                                                                        + "\""),
                                                        n.replace("\"", "\"\"")))
                        .collect(Collectors.joining());
        return "SELECT r FROM (SELECT r%s FROM (%s) t(r)) WHERE (%s)"
                .formatted(columns, query, where);
    }

    private String wholeText() {
        try (var reader = file.lines()) {
            String text = reader.readAllAsString();
            return text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new ConfigException(
                    "%s: not UTF-8 text; convert it first".formatted(file.path()), e);
        } catch (IOException e) {
            throw new ConfigException(
                    "%s: cannot be read: %s".formatted(file.path(), e.getMessage()), e);
        }
    }

    private ObjectNode parse(String json) {
        JsonNode value;
        try {
            value = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "%s row %d: not valid JSON: %s"
                            .formatted(file.path(), number, e.getOriginalMessage()),
                    e);
        }
        if (value instanceof ObjectNode object) {
            return object;
        }
        throw new ConfigException(
                "%s row %d: found %s, expected an object as in {\"instruction\": ..., \"output\": ...}"
                        .formatted(file.path(), number, excerpt(json)));
    }

    private ConfigException corrupt(SQLException e) {
        if (!where.isEmpty() && rows == null) {
            return new ConfigException(
                    "%s: where: %s: %s"
                            .formatted(
                                    file.path(),
                                    where,
                                    String.valueOf(e.getMessage()).lines().findFirst().orElse("")),
                    e);
        }
        String reason = reason(e).lines().limit(3).reduce((a, b) -> a + " " + b).orElse("");
        return new ConfigException(
                "%s: cannot be read as %s: %s".formatted(file.path(), file.type().words(), reason),
                e);
    }

    /// A streamed result loses the message of its error; the same query in one go has it.
    private String reason(SQLException e) {
        try (var whole = DriverManager.getConnection("jdbc:duckdb:");
                var query = whole.createStatement();
                var rows =
                        query.executeQuery(
                                "SELECT max(length(row[1]::VARCHAR)) FROM (SELECT [COLUMNS(*)] AS row FROM (%s))"
                                        .formatted(query(file)))) {
            return rows.next() ? e.getMessage() : "";
        } catch (SQLException same) {
            return same.getMessage();
        }
    }

    static String excerpt(String text) {
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }

    private void closeLines() {
        skipped += lines.skipped();
        lines.close();
        lines = null;
    }

    private void closeFile() {
        try (var _ = statement) {
            rows.close();
        } catch (SQLException e) {
            throw corrupt(e);
        } finally {
            rows = null;
            statement = null;
        }
    }

    @Override
    public void close() {
        try {
            if (lines != null) {
                lines.close();
            }
            if (statement != null) {
                statement.close();
            }
            duckdb.close();
        } catch (SQLException e) {
            throw new IllegalStateException("DuckDB does not close", e);
        }
    }
}
