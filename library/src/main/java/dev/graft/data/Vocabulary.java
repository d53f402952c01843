package dev.graft.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/// What a `tokenizer.json` says about its tokens, read as a stream before the tokenizers library
/// sees it: what that library would not survive, or would read otherwise, is refused here.
final class Vocabulary {
    /// Beyond every vocabulary; tensors of its size would not be made either.
    private static final int LARGEST_ID = 10_000_000;

    private final ConfigFolder folder;
    private final TokenizerJson json;
    private final Map<String, Integer> ids = new HashMap<>();
    private final Set<String> wanted = new HashSet<>();
    private final BitSet seen = new BitSet();
    private JsonNode addedTokens = ConfigFolder.JSON.createArrayNode();
    private boolean isList;
    private String prefix = "";
    private int size;
    private int largest = -1;

    /// @param declared the tokens whose ids are wanted, besides those of the added tokens
    Vocabulary(ConfigFolder folder, TokenizerJson json, Set<String> declared) {
        this.folder = folder;
        this.json = json;
        this.wanted.addAll(declared);
    }

    /// The added tokens with their ids.
    ///
    /// @throws ModelFormatException where the file is no tokenizer
    AddedTokens read() {
        try {
            fields(null);
            addedTokens.forEach(token -> wanted.add(token.path("content").asText()));
            fields(this::model);
            if (!prefix.isEmpty()) {
                fields(this::merges);
            }
            var added = new AddedTokens(folder, ids, size);
            for (var token : addedTokens) {
                added.add(AddedToken.of(token), OptionalInt.of(requireId(token.path("id"))));
            }
            return added;
        } catch (IOException e) {
            throw new ModelFormatException(
                    "%s: not a tokenizer of the tokenizers library: %s"
                            .formatted(json.file(), ConfigFolder.reason(e)),
                    e);
        }
    }

    /// The largest id of the model's vocabulary; -1 where it is empty.
    int largest() {
        return largest;
    }

    /// Whether the model's vocabulary is a list, that of a Unigram model, rather than a map.
    boolean isList() {
        return isList;
    }

    private interface Reader {
        void read(JsonParser parser) throws IOException;
    }

    private void fields(Reader model) throws IOException {
        try (var parser = json.parser()) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("expected an object");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                boolean isModel = name.equals("model");
                if (isModel && model != null) {
                    model.read(parser);
                } else if (isModel || model != null) {
                    parser.skipChildren();
                } else {
                    part(name, ConfigFolder.JSON.readTree(parser));
                }
            }
        }
    }

    private void part(String name, JsonNode value) throws IOException {
        if (name.equals("added_tokens") && !value.isNull()) {
            if (!value.isArray()) {
                throw new IOException("added_tokens: expected a list");
            }
            for (var token : value) {
                if (!token.path("content").isTextual()) {
                    throw new IOException("added_tokens: expected objects with a content");
                }
            }
            addedTokens = value;
        }
        new TokenizerParts(json.file()).require(name, value);
    }

    private void model(JsonParser parser) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            var value = parser.nextToken();
            if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String token = parser.currentName();
                    parser.nextToken();
                    see(token, parser);
                }
            } else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
                isList = true;
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    see(ConfigFolder.JSON.<JsonNode>readTree(parser).path(0).asText(), size);
                }
            } else if (name.equals("continuing_subword_prefix")) {
                prefix = parser.getValueAsString("");
            } else {
                parser.skipChildren();
            }
        }
    }

    /// The second token of a merge has the prefix of what continues a word: the library cuts it
    /// off unseen.
    private void merges(JsonParser parser) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            boolean merges = parser.currentName().equals("merges");
            if (parser.nextToken() != JsonToken.START_ARRAY || !merges) {
                parser.skipChildren();
                continue;
            }
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                JsonNode merge = ConfigFolder.JSON.readTree(parser);
                String text = merge.asText();
                String second =
                        merge.isArray()
                                ? merge.path(1).asText()
                                : text.substring(text.indexOf(' ') + 1);
                if (!second.startsWith(prefix)) {
                    throw new IOException(
                            "merges: found %s, expected a second token that begins with the continuing_subword_prefix %s"
                                    .formatted(ConfigFolder.excerpt(merge.toString()), prefix));
                }
            }
        }
    }

    private void see(String token, JsonParser parser) throws IOException {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
            throw new IOException(
                    "vocab: %s: found %s, expected an id".formatted(token, parser.getText()));
        }
        int id = parser.getIntValue();
        if (id < 0 || id > LARGEST_ID) {
            throw new IOException(
                    "vocab: %s: found the id %d, expected 0 to %d"
                            .formatted(token, id, LARGEST_ID));
        }
        // A tab may share the id of its byte: Transformers makes Gemma's vocabulary so.
        if (seen.get(id) && !token.equals("\t") && !token.matches("<0x[0-9A-F]{2}>")) {
            throw new IOException(
                    "vocab: %s: found the id %d a second time, expected every id once"
                            .formatted(token, id));
        }
        seen.set(id);
        see(token, id);
    }

    private void see(String token, int id) {
        size++;
        largest = Math.max(largest, id);
        if (wanted.contains(token)) {
            ids.putIfAbsent(token, id);
        }
    }

    private static int requireId(JsonNode id) throws IOException {
        if (!id.isInt() || id.intValue() < 0 || id.intValue() > LARGEST_ID) {
            throw new IOException(
                    "added_tokens: found the id %s, expected 0 to %d".formatted(id, LARGEST_ID));
        }
        return id.intValue();
    }
}
