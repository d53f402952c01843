package dev.graft.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;

/// A JSON Lines file: one object a line, empty lines apart. Rows are numbered by their lines.
final class JsonLines implements Rows {
    private final DataFile file;
    private final JsonMapper json;
    private final boolean skipBad;
    private final BufferedReader reader;
    private long number;
    private int skipped;

    /// @param skipBad whether a line that is no object is left out; else it is an error
    JsonLines(DataFile file, JsonMapper json, boolean skipBad) {
        this.file = file;
        this.json = json;
        this.skipBad = skipBad;
        try {
            this.reader = file.lines();
        } catch (IOException e) {
            throw file.unreadable(e);
        }
    }

    /// Whether a JSON file has one object a line, whatever its name says: its beginning tells.
    static boolean fits(DataFile file, JsonMapper json) {
        try (var reader = file.lines()) {
            int first = reader.read();
            while (Character.isWhitespace(first)) {
                first = reader.read();
            }
            if (first != '{') {
                return file.type() == DataFile.Type.JSON_LINES && first != '[';
            }
            String line = reader.readLine();
            return file.type() == DataFile.Type.JSON_LINES
                    ? !line.isBlank() // a brace alone begins an object of several lines
                    : isOneValue("{" + line, json);
        } catch (IOException e) {
            throw file.unreadable(e);
        }
    }

    private static boolean isOneValue(String line, JsonMapper json) throws IOException {
        try (var parser = json.createParser(line)) {
            json.readTree(parser);
            return parser.nextToken() == null;
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    @Override
    public Row next() {
        while (true) {
            String line = line();
            if (line == null) {
                return null;
            }
            if (line.isBlank()) {
                continue;
            }
            ObjectNode values = object(line);
            if (values != null) {
                return new Row(file.path(), number, values);
            }
            skipped++;
        }
    }

    @Override
    public int skipped() {
        return skipped;
    }

    private String line() {
        try {
            String line = reader.readLine();
            number++;
            return line;
        } catch (IOException e) {
            throw file.unreadable(e);
        }
    }

    /// The object of a line, or null where it is none and that is allowed.
    private ObjectNode object(String line) {
        String problem;
        try (var parser = json.createParser(line)) {
            JsonNode value = json.readTree(parser);
            if (parser.nextToken() != null) {
                problem = "more than one JSON value";
            } else if (value instanceof ObjectNode object) {
                return object;
            } else {
                problem = "not an object";
            }
        } catch (JsonProcessingException e) {
            problem = DatasetReader.problem(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (skipBad) {
            return null;
        }
        throw new ConfigException(
                "%s line %d: found %s (%s), expected a JSON object such as {\"instruction\": ..., \"output\": ...}; mend the line, or set skip_bad_rows: true"
                        .formatted(file.path(), number, DatasetReader.excerpt(line), problem));
    }

    @Override
    public void close() {
        try {
            reader.close();
        } catch (IOException e) {
            throw file.unreadable(e);
        }
    }
}
