package dev.graft.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.io.IOException;

/// A JSON file that holds a list of objects, or objects one after another over as many lines as
/// they take. Rows are counted from 1.
final class JsonValues implements Rows {
    private final DataFile file;
    private final JsonMapper json;
    private final JsonParser parser;
    private long number;
    private boolean inList;

    JsonValues(DataFile file, JsonMapper json) {
        this.file = file;
        this.json = json;
        try {
            this.parser = json.createParser(file.lines());
        } catch (IOException e) {
            throw file.unreadable(e);
        }
    }

    @Override
    public Row next() {
        try {
            JsonToken token = parser.nextToken();
            while (inList ? token == JsonToken.END_ARRAY : token == JsonToken.START_ARRAY) {
                inList = !inList;
                token = parser.nextToken();
            }
            if (token == null) {
                return null;
            }
            number++;
            JsonNode value = json.readTree(parser);
            if (value instanceof ObjectNode object) {
                return new Row(file.path(), number, object);
            }
            throw new ConfigException(
                    "%s row %d: found %s, expected an object as in {\"instruction\": ..., \"output\": ...}"
                            .formatted(
                                    file.path(), number, DatasetReader.excerpt(value.toString())));
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw new ConfigException(
                    "%s line %d column %d: not valid JSON: %s; expected a list of objects, or one object after another"
                            .formatted(
                                    file.path(),
                                    at.getLineNr(),
                                    at.getColumnNr(),
                                    DatasetReader.problem(e)),
                    e);
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
        try {
            parser.close();
        } catch (IOException e) {
            throw file.unreadable(e);
        }
    }
}
