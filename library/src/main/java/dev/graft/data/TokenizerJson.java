package dev.graft.data;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/// The JSON of the tokenizers library: the `tokenizer.json` of a folder, or what was made of its
/// other files in memory.
final class TokenizerJson {
    private final Path file;
    private final byte[] content;
    private final Optional<String> bos;
    private final Optional<String> eos;

    private TokenizerJson(Path file, byte[] content, Optional<String> bos, Optional<String> eos) {
        this.file = file;
        this.content = content;
        this.bos = bos;
        this.eos = eos;
    }

    static TokenizerJson of(Path file) {
        ConfigFolder.requireTokenizerSize(file);
        return new TokenizerJson(file, null, Optional.empty(), Optional.empty());
    }

    /// @param file what the content was made of
    /// @param bos the token that begins a sequence if the configs name none; `eos` likewise
    static TokenizerJson made(
            Path file, byte[] content, Optional<String> bos, Optional<String> eos) {
        return new TokenizerJson(file, content, bos, eos);
    }

    Path file() {
        return file;
    }

    Optional<String> bos() {
        return bos;
    }

    Optional<String> eos() {
        return eos;
    }

    /// Whether the content differs from the file's.
    boolean inMemory() {
        return content != null;
    }

    InputStream open() throws IOException {
        return content == null ? Files.newInputStream(file) : new ByteArrayInputStream(content);
    }

    JsonParser parser() throws IOException {
        return ConfigFolder.JSON.createParser(open());
    }

    /// The same with these added tokens.
    TokenizerJson withAddedTokens(JsonNode tokens) throws IOException {
        return new TokenizerJson(file, rewritten(tokens, Set.of()), bos, eos);
    }

    /// The same with these added tokens, of which the special ones have marks, and so they have in
    /// the list of a Unigram model: it would find them in a text, as SentencePiece never does.
    TokenizerJson withMarks(JsonNode tokens, Set<String> special) throws IOException {
        return new TokenizerJson(file, rewritten(tokens, special), bos, eos);
    }

    private byte[] rewritten(JsonNode tokens, Set<String> marked) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var from = parser();
                var to = ConfigFolder.JSON.createGenerator(bytes)) {
            from.nextToken();
            to.writeStartObject();
            to.writeFieldName("added_tokens");
            to.writeTree(tokens);
            while (from.nextToken() == JsonToken.FIELD_NAME) {
                String name = from.currentName();
                from.nextToken();
                if (name.equals("added_tokens")) {
                    from.skipChildren();
                    continue;
                }
                to.writeFieldName(name);
                if (name.equals("model") && !marked.isEmpty()) {
                    copyModel(from, to, marked);
                } else {
                    to.copyCurrentStructure(from);
                }
            }
            to.writeEndObject();
        }
        return bytes.toByteArray();
    }

    private static void copyModel(JsonParser from, JsonGenerator to, Set<String> marked)
            throws IOException {
        to.writeStartObject();
        while (from.nextToken() == JsonToken.FIELD_NAME) {
            String name = from.currentName();
            to.writeFieldName(name);
            boolean list = from.nextToken() == JsonToken.START_ARRAY;
            if (!list || !name.equals("vocab")) {
                to.copyCurrentStructure(from);
                continue;
            }
            to.writeStartArray();
            while (from.nextToken() != JsonToken.END_ARRAY) {
                JsonNode piece = ConfigFolder.JSON.readTree(from);
                String token = piece.path(0).asText();
                to.writeStartArray();
                to.writeString(marked.contains(token) ? SpecialMarks.MARK + token : token);
                to.writeNumber(piece.path(1).asDouble());
                to.writeEndArray();
            }
            to.writeEndArray();
        }
        to.writeEndObject();
    }
}
