package dev.graft.data;

import dev.graft.error.ConfigException;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;

/// The first record of a CSV file: its columns and what stands between them.
///
/// DuckDB could guess both, but its guess may drop lines that do not fit; told the columns, it
/// names the line that is wrong.
record CsvHeader(List<String> columns, char delimiter) {
    static CsvHeader read(DataFile file) {
        String header;
        try (var reader = file.lines()) {
            header = firstRecord(reader);
        } catch (IOException e) {
            throw new ConfigException(
                    "%s: cannot be read as CSV: %s".formatted(file.path(), e.getMessage()), e);
        }
        char delimiter = delimiter(header);
        var columns = split(header, delimiter);
        if (columns.stream().anyMatch(String::isBlank)
                || new HashSet<>(columns).size() < columns.size()) {
            throw new ConfigException(
                    "%s: found the columns %s, expected a first line that names each column once"
                            .formatted(file.path(), columns));
        }
        return new CsvHeader(columns, delimiter);
    }

    /// The rows as JSON objects; a field that is empty without quotes is null.
    String query(String path) {
        String types =
                columns.stream()
                        .map(column -> DataFile.quoted(column) + ": 'VARCHAR'")
                        .collect(Collectors.joining(", ", "{", "}"));
        return "SELECT to_json(struct_pack(*COLUMNS(*))) FROM read_csv(%s, auto_detect = false, header = true, columns = %s, delim = %s, quote = '\"', escape = '\"', comment = '', skip = 0, max_line_size = 16777216)"
                .formatted(path, types, DataFile.quoted(String.valueOf(delimiter)));
    }

    private static String firstRecord(Reader reader) throws IOException {
        var text = new StringBuilder();
        boolean quoted = false;
        for (int c; (c = reader.read()) >= 0; ) {
            if (c == '"') {
                quoted = !quoted;
            }
            if (!quoted && (c == '\n' || c == '\r')) {
                break;
            }
            text.append((char) c);
        }
        return !text.isEmpty() && text.charAt(0) == '\uFEFF' ? text.substring(1) : text.toString();
    }

    /// The most frequent of comma, semicolon and tab.
    private static char delimiter(String header) {
        char best = ',';
        for (char candidate : new char[] {';', '\t'}) {
            if (split(header, candidate).size() > split(header, best).size()) {
                best = candidate;
            }
        }
        return best;
    }

    private static List<String> split(String header, char delimiter) {
        var fields = new ArrayList<String>();
        var field = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < header.length(); i++) {
            char c = header.charAt(i);
            if (c == '"') {
                if (quoted && i + 1 < header.length() && header.charAt(i + 1) == '"') {
                    field.append(c);
                    i++;
                } else {
                    quoted = !quoted;
                }
            } else if (c == delimiter && !quoted) {
                fields.add(field.toString());
                field.setLength(0);
            } else {
                field.append(c);
            }
        }
        fields.add(field.toString());
        return fields;
    }
}
