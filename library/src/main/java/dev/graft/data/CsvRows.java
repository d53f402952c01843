package dev.graft.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.csv.CsvFactory;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/// The rows of a CSV file whose first record names the columns. Every field is a text, never an
/// inferred type; an empty one without quotes is null. Rows are numbered by the line they begin in.
final class CsvRows implements Rows {
    private static final CsvFactory CSV =
            CsvFactory.builder()
                    .enable(CsvParser.Feature.SKIP_EMPTY_LINES)
                    .enable(CsvParser.Feature.EMPTY_UNQUOTED_STRING_AS_NULL)
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxStringLength(Integer.MAX_VALUE)
                                    .build())
                    .build();

    private final DataFile file;
    private final boolean skipBad;
    private final CsvParser parser;
    private final List<String> columns = new ArrayList<>();
    private long line;
    private int skipped;

    /// @param skipBad whether a record with too many or too few fields is left out
    CsvRows(DataFile file, boolean skipBad) {
        this.file = file;
        this.skipBad = skipBad;
        try {
            char separator = separator(file);
            this.parser = CSV.createParser(file.lines());
            parser.setSchema(CsvSchema.emptySchema().withColumnSeparator(separator));
        } catch (IOException e) {
            throw file.unreadable(e);
        }
        header();
    }

    private void header() {
        List<String> names = record();
        if (names == null) {
            throw new ConfigException(
                    "%s: found nothing, expected a first line that names the columns"
                            .formatted(file.path()));
        }
        for (String name : names) {
            // As pandas, whose own index has no name.
            columns.add(
                    name == null || name.isBlank() ? "Unnamed: " + columns.size() : name.strip());
        }
        if (new HashSet<>(columns).size() < columns.size()) {
            throw new ConfigException(
                    "%s: found the columns %s, expected a first line that names each column once"
                            .formatted(file.path(), columns));
        }
    }

    @Override
    public Row next() {
        for (List<String> fields; (fields = record()) != null; skipped++) {
            boolean separatorAtEnd =
                    fields.size() == columns.size() + 1 && fields.getLast() == null;
            if (fields.size() == columns.size() || separatorAtEnd) {
                return new Row(file.path(), line, row(fields));
            }
            if (!skipBad) {
                throw new ConfigException(
                        "%s line %d: found %d fields (%s), expected the %d of the first line; mend the line, or set skip_bad_rows: true"
                                .formatted(
                                        file.path(),
                                        line,
                                        fields.size(),
                                        DatasetReader.excerpt(String.join(", ", fields)),
                                        columns.size()));
            }
        }
        return null;
    }

    private ObjectNode row(List<String> fields) {
        ObjectNode row = JsonNodeFactory.instance.objectNode();
        for (int i = 0; i < columns.size(); i++) {
            row.put(columns.get(i), fields.get(i));
        }
        return row;
    }

    /// The fields of the next record, or null at the end.
    private List<String> record() {
        try {
            if (parser.nextToken() == null) {
                return null;
            }
            var fields = new ArrayList<String>();
            for (JsonToken token; (token = parser.nextToken()) != JsonToken.END_ARRAY; ) {
                if (fields.isEmpty()) {
                    line = parser.currentTokenLocation().getLineNr();
                }
                fields.add(token == JsonToken.VALUE_NULL ? null : parser.getText());
            }
            return fields;
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "%s line %d: cannot be read as CSV: %s; a quote inside of a quoted field is written twice"
                            .formatted(
                                    file.path(),
                                    parser.currentTokenLocation().getLineNr(),
                                    e.getOriginalMessage()),
                    e);
        } catch (IOException e) {
            throw file.unreadable(e);
        }
    }

    /// The most frequent of comma, semicolon, tab and bar in the first record.
    private static char separator(DataFile file) throws IOException {
        String header;
        try (var reader = file.lines()) {
            header = unquoted(reader);
        }
        char best = ',';
        for (char candidate : new char[] {';', '\t', '|'}) {
            if (count(header, candidate) > count(header, best)) {
                best = candidate;
            }
        }
        return best;
    }

    private static long count(String text, char wanted) {
        return text.chars().filter(c -> c == wanted).count();
    }

    /// The first record without what stands in quotes.
    private static String unquoted(Reader reader) throws IOException {
        var text = new StringBuilder();
        boolean quoted = false;
        for (int c; (c = reader.read()) >= 0 && (quoted || (c != '\n' && c != '\r')); ) {
            if (c == '"') {
                quoted = !quoted;
            } else if (!quoted) {
                text.append((char) c);
            }
        }
        return text.toString();
    }

    @Override
    public int skipped() {
        return skipped;
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
