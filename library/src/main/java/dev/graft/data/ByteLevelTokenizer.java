package dev.graft.data;

import com.fasterxml.jackson.core.JsonToken;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// BPE over bytes, each spelled as a printable character: the vocabularies of tiktoken (ranks in
/// base64) and of GPT-2 (`vocab.json` and `merges.txt`).
record ByteLevelTokenizer(ConfigFolder folder, DeclaredTokens declared) {
    private static final int LONGEST_TOKEN = 512;

    /// How Llama 3 splits a text into words: numbers in groups of up to three digits.
    private static final String LLAMA_3 =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /// Qwen 2: digits one by one.
    private static final String QWEN_2 = LLAMA_3.replace("{1,3}", "");

    private static final String BYTES =
            "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": false, \"use_regex\": %s}";

    /// The tokenizer of a tiktoken file as Llama 3 has it; the tokens beyond the ranks are those
    /// of `added_tokens_decoder`, with `<|reserved_token_N|>` in the gaps.
    TokenizerJson tiktoken(Path file, ByteBuffer bytes) {
        var ranks = ranks(file, bytes);
        var merges = new BpeMerges(file, ranks);
        ranks.forEach(merges::add);
        var added = new AddedTokens(folder, ranks, ranks.size());
        int last = declared.byId().isEmpty() ? -1 : declared.byId().lastEntry().getKey();
        if (last > 2L * ranks.size() + 10_000) {
            throw folder.refused("added_tokens_decoder", last, "ids that follow the vocabulary");
        }
        for (int id = ranks.size(); id <= last; id++) {
            var token = declared.byId().get(id);
            String placeholder = "<|reserved_token_%d|>".formatted(id);
            added.add(token == null ? AddedToken.special(placeholder) : token, OptionalInt.of(id));
        }
        added.complete(declared);
        var bos = Optional.ofNullable(declared.named().get("bos_token"));
        return new MadeTokenizer(
                        added,
                        "null",
                        split(LLAMA_3),
                        BYTES.formatted(true),
                        new MadeTokenizer.Bpe(ranks, merges.byRank(), null, false, true),
                        bos,
                        Optional.ofNullable(declared.named().get("eos_token")),
                        declared.addBos().orElse(true),
                        declared.addEos().orElse(false))
                .json(file);
    }

    private static String split(String pattern) {
        var json = ConfigFolder.JSON.createObjectNode().put("type", "Split");
        json.putObject("pattern").put("Regex", pattern);
        json.put("behavior", "Isolated").put("invert", false);
        return "{\"type\": \"Sequence\", \"pretokenizers\": [%s, %s]}"
                .formatted(json, BYTES.formatted(false));
    }

    private static Map<String, Integer> ranks(Path file, ByteBuffer bytes) {
        var lines = StandardCharsets.ISO_8859_1.decode(bytes).toString().lines().toList();
        var ranks = new LinkedHashMap<String, Integer>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            int space = line.indexOf(' ');
            String rank = line.substring(space + 1);
            byte[] token;
            try {
                token = Base64.getDecoder().decode(line.substring(0, Math.max(0, space)));
            } catch (IllegalArgumentException e) {
                throw new ModelFormatException(notARank(file, i, line).getMessage(), e);
            }
            boolean whole =
                    token.length > 0
                            && token.length <= LONGEST_TOKEN
                            && rank.equals(Integer.toString(i));
            if (!whole || ranks.put(spelled(token), i) != null) {
                throw notARank(file, i, line);
            }
        }
        for (int b = 0; b < 256; b++) {
            if (!ranks.containsKey(spelled((byte) b))) {
                throw new ModelFormatException(
                        "%s: found no token for the byte %d, expected one for every byte"
                                .formatted(file, b));
            }
        }
        return ranks;
    }

    private static ModelFormatException notARank(Path file, int line, String found) {
        return new ModelFormatException(
                "%s: line %d: found %s, expected a new token in base64, a space and the rank %d; expected a SentencePiece model or a tiktoken file"
                        .formatted(
                                file,
                                line + 1,
                                found.length() > 40 ? found.substring(0, 40) + "…" : found,
                                line));
    }

    /// Bytes in the alphabet of GPT-2: printable Latin-1 as it is, the others from U+0100 on.
    private static String spelled(byte... bytes) {
        var text = new StringBuilder();
        for (byte each : bytes) {
            int b = each & 0xFF;
            text.append((char) (isPrintable(b) ? b : 0x100 + unprintableBefore(b)));
        }
        return text.toString();
    }

    private static boolean isPrintable(int b) {
        return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    }

    private static int unprintableBefore(int b) {
        if (b <= ' ') {
            return b;
        }
        return b == 0xAD ? 67 : b - 0x7F + 33;
    }

    /// The tokenizer of `vocab.json` and `merges.txt`, by the class that the configs name.
    TokenizerJson vocabularyAndMerges() {
        Path file = folder.path().resolve("vocab.json");
        boolean qwen = isQwen(file);
        var vocabulary = vocabulary(file);
        var merges = merges(folder.path().resolve("merges.txt"));
        var added = new AddedTokens(folder, vocabulary, vocabulary.size());
        added.complete(declared);
        String end = "<|endoftext|>";
        var known = vocabulary.containsKey(end) ? Optional.of(end) : Optional.<String>empty();
        known.ifPresent(token -> added.add(AddedToken.special(token), OptionalInt.empty()));
        var bos = Optional.ofNullable(declared.named().get("bos_token"));
        return new MadeTokenizer(
                        added,
                        qwen ? "{\"type\": \"NFC\"}" : "null",
                        qwen ? split(QWEN_2) : BYTES.formatted(true),
                        BYTES.formatted(true),
                        new MadeTokenizer.Bpe(vocabulary, merges, null, false, false),
                        qwen ? bos : bos.or(() -> known),
                        Optional.ofNullable(declared.named().get("eos_token")).or(() -> known),
                        declared.addBos().orElse(false),
                        declared.addEos().orElse(false))
                .json(file);
    }

    private boolean isQwen(Path file) {
        String named = folder.tree("tokenizer_config.json").path("tokenizer_class").asText();
        String type = folder.tree("config.json").path("model_type").asText();
        return switch (named.isEmpty() ? type : named.replaceFirst("Fast$", "")) {
            case "Qwen2Tokenizer", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe" -> true;
            case "GPT2Tokenizer", "CodeGenTokenizer", "gpt2", "codegen", "phi" -> false;
            default ->
                    throw new ModelFormatException(
                            "%s: found the tokenizer class %s and the model type %s, expected GPT2Tokenizer, CodeGenTokenizer or Qwen2Tokenizer; how another splits words is not known from these files: download the model's tokenizer.json"
                                    .formatted(file, named, type));
        };
    }

    private static Map<String, Integer> vocabulary(Path file) {
        ConfigFolder.requireTokenizerSize(file);
        var vocabulary = new LinkedHashMap<String, Integer>();
        try (var parser = ConfigFolder.JSON.createParser(file.toFile())) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("expected an object");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String token = parser.currentName();
                parser.nextToken();
                vocabulary.put(token, parser.getIntValue());
            }
        } catch (IOException e) {
            throw new ModelFormatException(
                    "%s: not a vocabulary: %s".formatted(file, ConfigFolder.reason(e)), e);
        }
        return vocabulary;
    }

    private static List<BpeMerges.Merge> merges(Path file) {
        ConfigFolder.requireTokenizerSize(file);
        var merges = new ArrayList<BpeMerges.Merge>();
        try {
            for (String line : Files.readAllLines(file)) {
                if (line.startsWith("#version") || line.isEmpty()) {
                    continue;
                }
                int space = line.indexOf(' ');
                if (space < 1 || line.indexOf(' ', space + 1) >= 0 || line.endsWith(" ")) {
                    throw new ModelFormatException(
                            "%s: merge %d: found %s, expected two tokens with a space between"
                                    .formatted(file, merges.size(), line));
                }
                merges.add(
                        new BpeMerges.Merge(
                                line.substring(0, space),
                                line.substring(space + 1),
                                merges.size()));
            }
        } catch (IOException e) {
            throw ConfigFolder.unreadable(file, e);
        }
        return merges;
    }
}
