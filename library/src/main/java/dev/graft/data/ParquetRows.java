package dev.graft.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

/// The rows of a Parquet file, by DuckDB; each comes as one JSON object.
final class ParquetRows implements Rows {
    private final DataFile file;
    private final JsonMapper json;
    private final String query;
    private final Connection duckdb;
    private final Statement statement;
    private final ResultSet rows;
    private long number;

    ParquetRows(DataFile file, JsonMapper json) {
        this.file = file;
        this.json = json;
        this.query =
                "SELECT to_json(struct_pack(*COLUMNS(*))) FROM read_parquet(%s)"
                        .formatted(DataFile.quoted(file.globSafe()));
        this.duckdb = connect();
        try {
            this.statement = duckdb.createStatement();
            this.rows = statement.executeQuery(query);
        } catch (SQLException e) {
            closeConnection();
            throw corrupt(e);
        }
    }

    /// A database that reads a result as it is asked for.
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
    public Row next() {
        try {
            return rows.next() ? new Row(file.path(), ++number, parse(rows.getString(1))) : null;
        } catch (SQLException e) {
            throw corrupt(e);
        }
    }

    private ObjectNode parse(String text) {
        try {
            JsonNode row = json.readTree(text);
            row.forEach(ParquetRows::removeNulls);
            return (ObjectNode) row;
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "%s row %d: not valid JSON: %s"
                            .formatted(file.path(), number, e.getOriginalMessage()),
                    e);
        }
    }

    /// Parquet writes every key of any object into all; null says that this one lacks it.
    private static void removeNulls(JsonNode value) {
        if (value instanceof ObjectNode object) {
            object.removeNulls();
        }
        value.forEach(ParquetRows::removeNulls);
    }

    private ConfigException corrupt(SQLException e) {
        String reason = reason(e).lines().findFirst().orElse("");
        return new ConfigException(
                "%s: cannot be read as Parquet: %s".formatted(file.path(), reason), e);
    }

    /// A streamed result loses the message of its error; the same query in one go has it.
    private String reason(SQLException e) {
        try (var whole = DriverManager.getConnection("jdbc:duckdb:");
                var again = whole.createStatement();
                var all =
                        again.executeQuery(
                                "SELECT max(length(row::VARCHAR)) FROM (%s) t(row)"
                                        .formatted(query))) {
            return all.next() ? String.valueOf(e.getMessage()) : "";
        } catch (SQLException same) {
            return String.valueOf(same.getMessage());
        }
    }

    @Override
    public int skipped() {
        return 0;
    }

    @Override
    public void close() {
        try (var _ = statement) {
            rows.close();
        } catch (SQLException e) {
            throw corrupt(e);
        } finally {
            closeConnection();
        }
    }

    private void closeConnection() {
        try {
            duckdb.close();
        } catch (SQLException e) {
            throw new IllegalStateException("DuckDB does not close", e);
        }
    }
}
