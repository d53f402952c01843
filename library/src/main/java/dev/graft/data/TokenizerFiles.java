package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// What the files of a model folder say about the tokenizer: its JSON, the special tokens and the
/// size of the vocabulary.
///
/// @param markedTokens the added tokens, the special ones with marks
/// @param markedIds the ids that the library gives these and their own, where they differ
/// @param bos the token that begins a sequence, or null; `eos` likewise
/// @param ids the ids of these tokens, as far as the vocabulary has them
/// @param stops every id that ends a generation
/// @param special the special tokens among the added ones, and their ids
/// @param vocabularySize one more than the largest id
record TokenizerFiles(
        TokenizerJson json,
        JsonNode markedTokens,
        Map<Integer, Integer> markedIds,
        String bos,
        String eos,
        Map<String, Integer> ids,
        OptionalInt bosFromConfig,
        Set<Integer> stops,
        Map<String, Integer> special,
        int vocabularySize) {
    private static final String TOKENIZER = "tokenizer.json";
    private static final String MODEL = "tokenizer.model";

    /// Of a SentencePiece model or tiktoken file; twelve times the largest in use.
    private static final long LARGEST_MODEL = 64L << 20;

    static TokenizerFiles read(Path path) {
        var folder = new ConfigFolder(path);
        var declared = DeclaredTokens.read(folder);
        var json = source(folder, declared);
        String bos =
                Optional.ofNullable(declared.named().get("bos_token")).or(json::bos).orElse(null);
        String eos =
                Optional.ofNullable(declared.named().get("eos_token")).or(json::eos).orElse(null);

        var wanted = new HashSet<>(declared.all().keySet());
        json.bos().ifPresent(wanted::add);
        json.eos().ifPresent(wanted::add);
        var vocabulary = new Vocabulary(folder, json, wanted);
        var added = vocabulary.read();
        added.complete(declared);
        if (added.changed()) {
            json = rewritten(json, added);
        }
        var ids = new HashMap<String, Integer>();
        for (String token : wanted) {
            added.id(token).ifPresent(id -> ids.put(token, id));
        }
        int largest =
                added.entries().values().stream()
                        .mapToInt(AddedTokens.Entry::id)
                        .reduce(vocabulary.largest(), Math::max);
        var marked = added.marked(vocabulary.isList());
        return new TokenizerFiles(
                json,
                marked.json(),
                added.idsOf(marked),
                bos,
                eos,
                ids,
                fromConfigs("bos_token_id", folder).stream()
                        .mapToInt(Integer::intValue)
                        .findFirst(),
                stops(eos == null ? null : ids.get(eos), folder),
                special(added),
                largest + 1);
    }

    private static Set<Integer> stops(Integer eos, ConfigFolder folder) {
        var stops = new LinkedHashSet<Integer>();
        if (eos != null) {
            stops.add(eos);
        }
        stops.addAll(fromConfigs("eos_token_id", folder));
        return stops;
    }

    private static List<Integer> fromConfigs(String name, ConfigFolder folder) {
        var ids = new ArrayList<>(idsOf(name, folder.tree("generation_config.json")));
        ids.addAll(idsOf(name, folder.tree("config.json")));
        return ids;
    }

    /// `tokenizer.json` goes before all else, as in Transformers.
    private static TokenizerJson source(ConfigFolder folder, DeclaredTokens declared) {
        if (folder.has(TOKENIZER)) {
            return TokenizerJson.of(folder.path().resolve(TOKENIZER));
        }
        if (folder.has(MODEL)) {
            Path file = folder.path().resolve(MODEL);
            ConfigFolder.requireSize(file, LARGEST_MODEL);
            ByteBuffer bytes;
            try {
                bytes = ByteBuffer.wrap(Files.readAllBytes(file));
            } catch (IOException e) {
                throw ConfigFolder.unreadable(file, e);
            }
            // The first field of a SentencePiece model begins with a line feed; no rank does.
            return bytes.hasRemaining() && bytes.get(0) == '\n'
                    ? SentencePieceTokenizer.convert(folder, declared, file, bytes)
                    : new ByteLevelTokenizer(folder, declared).tiktoken(file, bytes);
        }
        if (folder.has("vocab.json") && folder.has("merges.txt")) {
            return new ByteLevelTokenizer(folder, declared).vocabularyAndMerges();
        }
        throw new ModelFormatException(
                "%s: no %s, %s, or vocab.json with merges.txt; found %s; download the model's tokenizer.json into this folder"
                        .formatted(folder.path(), TOKENIZER, MODEL, folder.listing()));
    }

    private static TokenizerJson rewritten(TokenizerJson json, AddedTokens added) {
        try {
            return json.withAddedTokens(added.json());
        } catch (IOException e) {
            throw ConfigFolder.unreadable(json.file(), e);
        }
    }

    private static Map<String, Integer> special(AddedTokens added) {
        var special = new HashMap<String, Integer>();
        added.entries()
                .forEach(
                        (content, entry) -> {
                            if (entry.token().special() && !content.isEmpty()) {
                                special.put(content, entry.id());
                            }
                        });
        return Map.copyOf(special);
    }

    Path tokenizer() {
        return json.file();
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

    /// The JSON of the same tokenizer with marks before its special tokens; its ids are
    /// `markedIds`.
    InputStream withMarks() throws IOException {
        return json.withMarks(markedTokens, special.keySet()).open();
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
}
