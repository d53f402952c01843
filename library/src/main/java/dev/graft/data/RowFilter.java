package dev.graft.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.duckdb.DuckDBConnection;

/// A condition on the columns of one row, in SQL: DuckDB decides it for some rows at a time.
///
/// The database has nothing but these rows: it reads and writes no files, and what is no single
/// condition (a second statement, a query inside) is refused. A column is a number, true or false,
/// or a text; lists and objects are their JSON as text, and what a row lacks is NULL.
final class RowFilter implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String NUMBER = "\"row of the chunk\"";

    private final String where;
    private final Connection duckdb;
    private final Set<String> columns = new TreeSet<>(String.CASE_INSENSITIVE_ORDER); // as SQL
    private final Map<String, String> types = new LinkedHashMap<>();
    private final Set<String> found = new TreeSet<>();

    /// @throws ConfigException where it is not one condition
    RowFilter(String where) {
        this.where = where;
        try {
            this.duckdb = DriverManager.getConnection("jdbc:duckdb:");
            run("SET threads = 1");
            run("SET enable_external_access = false");
            run("SET lock_configuration = true");
        } catch (SQLException e) {
            throw new IllegalStateException("DuckDB does not start", e);
        }
        try {
            check();
        } catch (ConfigException e) {
            close();
            throw e;
        }
    }

    private void check() {
        ObjectNode condition = parsed(where);
        JsonNode expression = condition.remove("where_clause");
        ObjectNode plain = parsed("true");
        plain.remove("where_clause");
        if (!condition.equals(plain) || !expression.findParents("subquery").isEmpty()) {
            throw wrong("found more than a condition, expected one such as length(text) > 10");
        }
        Set<String> parameters = new LinkedHashSet<>();
        collect(expression, columns, parameters);
        parameters.forEach(columns::remove);
    }

    private ObjectNode parsed(String condition) {
        String sql = DataFile.quoted("SELECT 1 FROM chunk WHERE (" + condition + "\n)");
        try (var statement = duckdb.createStatement();
                var rows = statement.executeQuery("SELECT json_serialize_sql(" + sql + ")")) {
            rows.next();
            JsonNode tree = JSON.readTree(rows.getString(1));
            if (tree.path("error").asBoolean()) {
                throw wrong(tree.path("error_message").asText());
            }
            if (tree.path("statements").size() == 1
                    && tree.path("statements").get(0).path("node") instanceof ObjectNode node
                    && node.has("where_clause")) {
                return node;
            }
            throw wrong("found more than a condition, expected one such as length(text) > 10");
        } catch (SQLException e) {
            throw wrong(e);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("DuckDB writes no JSON", e);
        }
    }

    /// The names of columns in an expression, and those that a lambda gives to its arguments.
    private static void collect(JsonNode node, Set<String> columns, Set<String> parameters) {
        String kind = node.path("class").asText();
        if (kind.equals("COLUMN_REF")) {
            columns.add(node.path("column_names").path(0).asText());
        } else if (kind.equals("LAMBDA")) {
            collect(node.path("lhs"), parameters, parameters);
        }
        node.forEach(child -> collect(child, columns, parameters));
    }

    /// Those of the rows for which the condition holds.
    List<Row> chosen(List<Row> rows) {
        rows.forEach(row -> found.addAll(row.columns()));
        Map<String, List<JsonNode>> values = new LinkedHashMap<>();
        for (String column : columns) {
            values.put(column, rows.stream().map(row -> value(row.values(), column)).toList());
            type(values.get(column)).ifPresent(type -> types.put(column, type));
        }
        try {
            fill(rows.size(), values);
            return evaluated(rows);
        } catch (SQLException e) {
            throw wrong(e);
        }
    }

    private List<Row> evaluated(List<Row> rows) throws SQLException {
        String names =
                columns.stream()
                        .map(c -> types.containsKey(c) ? name(c) : "NULL AS " + name(c))
                        .map(c -> ", " + c)
                        .collect(Collectors.joining());
        var chosen = new ArrayList<Row>();
        try (var statement = duckdb.createStatement();
                var numbers =
                        statement.executeQuery(
                                "SELECT %s FROM (SELECT %s%s FROM chunk) chunk WHERE (%s\n) ORDER BY 1"
                                        .formatted(NUMBER, NUMBER, names, where))) {
            while (numbers.next()) {
                chosen.add(rows.get(numbers.getInt(1)));
            }
        }
        return chosen;
    }

    private void fill(int rows, Map<String, List<JsonNode>> values) throws SQLException {
        run(
                types.entrySet().stream()
                        .map(e -> ", " + name(e.getKey()) + " " + e.getValue())
                        .collect(
                                Collectors.joining(
                                        "",
                                        "CREATE OR REPLACE TABLE chunk(" + NUMBER + " INT",
                                        ")")));
        try (var appender = duckdb.unwrap(DuckDBConnection.class).createAppender("chunk")) {
            for (int i = 0; i < rows; i++) {
                appender.beginRow().append(i);
                for (var typed : types.entrySet()) {
                    JsonNode value = values.get(typed.getKey()).get(i);
                    switch (typed.getValue()) {
                        case String _ when value == null || value.isNull() -> appender.appendNull();
                        case "BOOLEAN" -> appender.append(value.booleanValue());
                        case "BIGINT" -> appender.append(value.longValue());
                        case "DOUBLE" -> appender.append(value.doubleValue());
                        default ->
                                appender.append(
                                        value.isTextual() ? value.textValue() : value.toString());
                    }
                }
                appender.endRow();
            }
        }
    }

    /// SQL takes names in upper and lower case for the same; the one written so comes first.
    private static JsonNode value(ObjectNode row, String column) {
        if (row.has(column)) {
            return row.get(column);
        }
        return row.properties().stream()
                .filter(p -> p.getKey().equalsIgnoreCase(column))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(null);
    }

    private static Optional<String> type(List<JsonNode> values) {
        var known = values.stream().filter(v -> v != null && !v.isNull()).toList();
        if (known.isEmpty()) {
            return Optional.empty();
        }
        if (known.stream().allMatch(JsonNode::isBoolean)) {
            return Optional.of("BOOLEAN");
        }
        if (known.stream().allMatch(v -> v.isIntegralNumber() && v.canConvertToLong())) {
            return Optional.of("BIGINT");
        }
        return Optional.of(known.stream().allMatch(JsonNode::isNumber) ? "DOUBLE" : "VARCHAR");
    }

    /// At the end of the data.
    ///
    /// @throws ConfigException where the condition names a column that no row has
    void end() {
        for (String column : columns) {
            if (!found.isEmpty() && found.stream().noneMatch(column::equalsIgnoreCase)) {
                throw wrong(
                        "no row has a column %s, expected one of %s"
                                .formatted(column, String.join(", ", found)));
            }
        }
    }

    private void run(String sql) throws SQLException {
        try (var statement = duckdb.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String name(String column) {
        return "\"" + column.replace("\"", "\"\"") + "\"";
    }

    private ConfigException wrong(SQLException e) {
        return wrong(String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
    }

    private ConfigException wrong(String why) {
        return new ConfigException("dataset_where: %s: %s".formatted(where, why));
    }

    @Override
    public void close() {
        try {
            duckdb.close();
        } catch (SQLException e) {
            throw new IllegalStateException("DuckDB does not close", e);
        }
    }
}
