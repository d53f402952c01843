package dev.graft.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ModelFormatException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/// What the JSON files of a model folder say about special tokens and the size of the vocabulary.
///
/// @param bos the token that begins a sequence, or null; `eos` and `unk` likewise
/// @param ids the ids of these tokens, as far as `tokenizer.json` has them
/// @param stops every id that ends a generation
/// @param special the special tokens among the added ones, and their ids
/// @param vocabularySize one more than the largest id
record TokenizerFiles(
        Path tokenizer,
        String bos,
        String eos,
        Map<String, Integer> ids,
        OptionalInt bosFromConfig,
        Set<Integer> stops,
        Map<String, Integer> special,
        int vocabularySize) {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String TOKENIZER = "tokenizer.json";

    static TokenizerFiles read(Path folder) {
        Path tokenizer = folder.resolve(TOKENIZER);
        if (!Files.isRegularFile(tokenizer)) {
            throw new ModelFormatException(missing(folder));
        }
        var config = tree(folder.resolve("tokenizer_config.json"));
        var older = tree(folder.resolve("special_tokens_map.json"));
        var generation = tree(folder.resolve("generation_config.json"));
        var model = tree(folder.resolve("config.json"));
        String bos = special("bos_token", config, older);
        String eos = special("eos_token", config, older);

        var vocabulary = new Vocabulary(bos, eos);
        vocabulary.read(tokenizer);
        var stops = new LinkedHashSet<Integer>();
        if (eos != null && vocabulary.ids.containsKey(eos)) {
            stops.add(vocabulary.ids.get(eos));
        }
        stops.addAll(idsOf("eos_token_id", generation));
        stops.addAll(idsOf("eos_token_id", model));
        var beginnings = new ArrayList<>(idsOf("bos_token_id", generation));
        beginnings.addAll(idsOf("bos_token_id", model));
        return new TokenizerFiles(
                tokenizer,
                bos,
                eos,
                vocabulary.ids,
                beginnings.isEmpty() ? OptionalInt.empty() : OptionalInt.of(beginnings.getFirst()),
                stops,
                Map.copyOf(vocabulary.special),
                vocabulary.largest + 1);
    }

    /// The id that begins a sequence: that of the tokenizer's token, else that of the model's
    /// config.
    OptionalInt bosId() {
        if (bos != null && ids.containsKey(bos)) {
            return OptionalInt.of(ids.get(bos));
        }
        return bos == null ? bosFromConfig : OptionalInt.empty();
    }

    /// The id that ends an answer: that of the tokenizer's token, else the first of the configs.
    OptionalInt eosId() {
        return stops.isEmpty() || (eos != null && !ids.containsKey(eos))
                ? OptionalInt.empty()
                : OptionalInt.of(stops.iterator().next());
    }

    /// The `tokenizer.json` without the special ones among the added tokens, which then are text
    /// like any other (`encode_special_tokens` of the tokenizers library).
    InputStream withoutSpecialTokens() throws IOException {
        JsonNode root = JSON.readTree(tokenizer.toFile());
        var kept = JSON.createArrayNode();
        for (JsonNode token : root.path("added_tokens")) {
            if (!token.path("special").asBoolean()) {
                kept.add(token);
            }
        }
        ((ObjectNode) root).set("added_tokens", kept);
        return new ByteArrayInputStream(JSON.writeValueAsBytes(root));
    }

    private static String missing(Path folder) {
        String found;
        if (!Files.isDirectory(folder)) {
            found = Files.exists(folder) ? "a file, not a folder" : "nothing at this path";
        } else {
            try (var files = Files.list(folder)) {
                found =
                        files.map(file -> file.getFileName().toString())
                                .sorted()
                                .limit(20)
                                .collect(Collectors.joining(", "));
            } catch (IOException e) {
                found = "a folder that cannot be listed (" + e.getMessage() + ")";
            }
        }
        String hint =
                found.contains("tokenizer.model") || found.contains("vocab.json")
                        ? "; convert it once with Transformers: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
                        : "; download the model's tokenizer.json into this folder";
        return "%s: no %s; found %s%s"
                .formatted(folder, TOKENIZER, found.isEmpty() ? "an empty folder" : found, hint);
    }

    private static JsonNode tree(Path file) {
        if (!Files.exists(file)) {
            return JSON.createObjectNode();
        }
        try {
            return JSON.readTree(file.toFile());
        } catch (IOException e) {
            throw new ModelFormatException(
                    "%s: not valid JSON: %s".formatted(file, e.getMessage()), e);
        }
    }

    /// A special token is written as a text, or as an object with its text under `content`.
    private static String special(String name, JsonNode... files) {
        for (var file : files) {
            var token = file.path(name);
            var text = token.isObject() ? token.path("content") : token;
            if (text.isTextual()) {
                return text.textValue();
            }
        }
        return null;
    }

    /// An id is written as a number, a list of them, or null.
    private static List<Integer> idsOf(String name, JsonNode file) {
        var ids = new ArrayList<Integer>();
        var node = file.path(name);
        (node.isArray() ? node : List.of(node))
                .forEach(
                        id -> {
                            if (id.isInt() && id.intValue() >= 0) {
                                ids.add(id.intValue());
                            }
                        });
        return ids;
    }

    /// Reads the vocabulary of a `tokenizer.json` as a stream: the largest id and the ids wanted.
    private static final class Vocabulary {
        private final Set<String> wanted;
        private final Map<String, Integer> ids = new HashMap<>();
        private final Map<String, Integer> special = new HashMap<>();
        private int largest = -1;

        Vocabulary(String... wanted) {
            this.wanted = new LinkedHashSet<>();
            for (String token : wanted) {
                if (token != null) {
                    this.wanted.add(token);
                }
            }
        }

        void read(Path file) {
            try (var parser = JSON.createParser(file.toFile())) {
                if (parser.nextToken() != JsonToken.START_OBJECT) {
                    throw new IOException("expected an object");
                }
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    parser.nextToken();
                    switch (name) {
                        case "added_tokens" -> addedTokens(parser);
                        case "model" -> model(parser);
                        default -> parser.skipChildren();
                    }
                }
            } catch (IOException e) {
                throw new ModelFormatException(
                        "%s: not a tokenizer of the tokenizers library: %s"
                                .formatted(file, e.getMessage()),
                        e);
            }
        }

        private void addedTokens(JsonParser parser) throws IOException {
            JsonNode tokens = JSON.readTree(parser);
            for (var token : tokens) {
                see(token.path("content").asText(), token.path("id").asInt(-1));
                if (token.path("special").asBoolean()
                        && !token.path("content").asText().isEmpty()) {
                    special.put(token.path("content").asText(), token.path("id").asInt(-1));
                }
            }
        }

        private void model(JsonParser parser) throws IOException {
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                var value = parser.nextToken();
                if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
                    while (parser.nextToken() == JsonToken.FIELD_NAME) {
                        String token = parser.currentName();
                        parser.nextToken();
                        see(token, parser.getIntValue());
                    }
                } else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
                    for (int id = 0; parser.nextToken() != JsonToken.END_ARRAY; id++) {
                        see(JSON.<JsonNode>readTree(parser).path(0).asText(), id);
                    }
                } else {
                    parser.skipChildren();
                }
            }
        }

        private void see(String token, int id) {
            largest = Math.max(largest, id);
            if (wanted.contains(token)) {
                ids.putIfAbsent(token, id);
            }
        }
    }
}
