package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// The named special tokens of a model folder (`bos_token`, `eos_token`, `image_token`, …), which
/// Transformers hands to every chat template.
///
/// They stand in `tokenizer_config.json`; where that has no `added_tokens_decoder`,
/// `special_tokens_map.json` wins over it, as in `PreTrainedTokenizerBase._from_pretrained`.
final class SpecialTokens {
    private static final JsonMapper JSON = new JsonMapper();

    private SpecialTokens() {}

    static Map<String, String> read(Path folder) {
        JsonNode config = tree(folder.resolve("tokenizer_config.json"));
        Map<String, String> tokens = new LinkedHashMap<>();
        add(config, tokens);
        if (!config.has("added_tokens_decoder")) {
            add(tree(folder.resolve("special_tokens_map.json")), tokens);
        }
        return tokens;
    }

    static JsonNode tree(Path file) {
        if (!Files.exists(file)) {
            return JSON.createObjectNode();
        }
        try {
            return JSON.readTree(file.toFile());
        } catch (IOException e) {
            throw new ModelFormatException(
                    "%s: not valid JSON: %s".formatted(file, ConfigFolder.reason(e)), e);
        }
    }

    private static void add(JsonNode file, Map<String, String> tokens) {
        for (var entry : file.properties()) {
            if (entry.getKey().endsWith("_token")) {
                put(entry.getKey(), entry.getValue(), tokens);
            }
        }
        for (String group :
                new String[] {"extra_special_tokens", "model_specific_special_tokens"}) {
            if (file.path(group).isObject()) {
                file.path(group)
                        .properties()
                        .forEach(entry -> put(entry.getKey(), entry.getValue(), tokens));
            }
        }
    }

    /// A token is written as a text, or as an object with its text under `content`.
    private static void put(String name, JsonNode token, Map<String, String> tokens) {
        JsonNode text = token.isObject() ? token.path("content") : token;
        if (text.isTextual()) {
            tokens.put(name, text.textValue());
        }
    }
}
