package dev.graft.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;

/// A JSON Lines file: one object a line, empty lines apart. Rows are numbered by their lines.
final class JsonLines implements AutoCloseable {
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
            throw unreadable(e);
        }
    }

    /// The next row, or null at the end.
    Row next() {
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

    /// Lines that were left out so far.
    int skipped() {
        return skipped;
    }

    private String line() {
        try {
            String line = reader.readLine();
            number++;
            return number == 1 && line != null && line.startsWith("\uFEFF")
                    ? line.substring(1)
                    : line;
        } catch (CharacterCodingException e) {
            throw new ConfigException(
                    "%s: not UTF-8 text at about line %d; convert it first"
                            .formatted(file.path(), number + 1),
                    e);
        } catch (IOException e) {
            throw unreadable(e);
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
            problem = e.getOriginalMessage();
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

    private ConfigException unreadable(IOException e) {
        return new ConfigException(
                "%s: cannot be read: %s".formatted(file.path(), e.getMessage()), e);
    }

    @Override
    public void close() {
        try {
            reader.close();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }
}
