package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;

/// The tokens that the configs beside a tokenizer declare, as Transformers 5 reads them:
/// `added_tokens_decoder` of `tokenizer_config.json`; without it `special_tokens_map.json`, which
/// goes before the config, and `added_tokens.json`.
///
/// @param byId the tokens that have an id there, in the order of the ids
/// @param decides whether their flags go before those of `tokenizer.json`
/// @param named `bos_token`, `eos_token` and so on, as they are spelled
/// @param special every token that is special by being named, but for the pad token
record DeclaredTokens(
        SequencedMap<Integer, AddedToken> byId,
        boolean decides,
        Map<String, String> named,
        Set<String> special,
        Optional<String> pad,
        Optional<Boolean> addBos,
        Optional<Boolean> addEos) {
    /// Padding is no part of it: examples are packed or masked by length, so a pad token that the
    /// vocabulary lacks is never given an id.
    private static final List<String> NAMES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "cls_token", "mask_token");

    private static final int LARGEST_ID = 10_000_000;

    static DeclaredTokens read(ConfigFolder folder) {
        var config = folder.tree("tokenizer_config.json");
        var decoder = config.path("added_tokens_decoder");
        boolean decodes = !decoder.isMissingNode() && !decoder.isNull();
        var older = decodes ? config : folder.tree("special_tokens_map.json");

        var named = new LinkedHashMap<String, String>();
        for (String name : NAMES) {
            token(folder, name, older, config).ifPresent(token -> named.put(name, token));
        }
        var special = new LinkedHashSet<>(named.values());
        config.properties()
                .forEach(
                        field -> {
                            boolean ownName =
                                    field.getKey().endsWith("_token")
                                            && !field.getKey().equals("pad_token");
                            if (ownName && field.getValue().isTextual()) {
                                special.add(field.getValue().textValue());
                            }
                        });
        extra(folder, older, special);
        extra(folder, config, special);

        var byId = new TreeMap<Integer, AddedToken>();
        if (decodes) {
            object(folder, "added_tokens_decoder", decoder)
                    .properties()
                    .forEach(t -> byId.put(id(folder, t.getKey()), added(folder, t.getValue())));
        } else {
            folder.tree("added_tokens.json")
                    .properties()
                    .forEach(
                            t ->
                                    byId.put(
                                            id(folder, t.getValue().asText()),
                                            older(t.getKey(), special.contains(t.getKey()))));
        }
        return new DeclaredTokens(
                byId,
                decodes,
                named,
                special,
                token(folder, "pad_token", older, config),
                flag(folder, "add_bos_token", config),
                flag(folder, "add_eos_token", config));
    }

    /// The ids that the configs give tokens.
    Map<String, Integer> ids() {
        var ids = new HashMap<String, Integer>();
        byId.forEach((id, token) -> ids.putIfAbsent(token.content(), id));
        return ids;
    }

    /// The tokens by their texts whose flags go before those of `tokenizer.json`.
    Map<String, AddedToken> flags() {
        var flags = new HashMap<String, AddedToken>();
        if (decides) {
            byId.values().forEach(token -> flags.putIfAbsent(token.content(), token));
        }
        return flags;
    }

    /// All of them in the order in which Transformers adds what a vocabulary lacks, each with the
    /// flags that it then has.
    SequencedMap<String, AddedToken> all() {
        var all = new LinkedHashMap<String, AddedToken>();
        byId.values().forEach(token -> all.putIfAbsent(token.content(), flagged(token)));
        special.forEach(content -> all.putIfAbsent(content, AddedToken.special(content)));
        return all;
    }

    AddedToken flagged(AddedToken token) {
        boolean isPad = pad.isPresent() && pad.get().equals(token.content());
        return isPad || special.contains(token.content()) ? token.asSpecial() : token;
    }

    private static AddedToken older(String content, boolean special) {
        return new AddedToken(content, false, false, false, !special, special);
    }

    private static AddedToken added(ConfigFolder folder, JsonNode token) {
        boolean whole = token.isObject() && token.path("content").isTextual();
        if (!whole || token.path("content").textValue().isEmpty()) {
            throw folder.refused("added_tokens_decoder", token, "objects with a content");
        }
        return AddedToken.of(token);
    }

    private static int id(ConfigFolder folder, String id) {
        if (!id.matches("[0-9]{1,8}") || Integer.parseInt(id) > LARGEST_ID) {
            throw folder.refused("the added tokens", id, "ids from 0 to " + LARGEST_ID);
        }
        return Integer.parseInt(id);
    }

    /// A special token is written as a text, or as an object with its text under `content`.
    private static Optional<String> token(ConfigFolder folder, String name, JsonNode... files) {
        for (var file : files) {
            var token = file.path(name);
            var text = token.isObject() ? token.path("content") : token;
            if (text.isTextual()) {
                return Optional.of(text.textValue()).filter(t -> !t.isEmpty());
            }
            if (token.isObject() || token.isNumber() || token.isArray()) {
                throw folder.refused(name, token, "a text, or an object with a content");
            }
        }
        return Optional.empty();
    }

    private static void extra(ConfigFolder folder, JsonNode config, Set<String> special) {
        var extra = config.path("extra_special_tokens");
        var tokens = extra.isEmpty() ? config.path("additional_special_tokens") : extra;
        if (tokens.isMissingNode() || tokens.isNull()) {
            return;
        }
        if (!tokens.isContainerNode()) {
            throw folder.refused("extra_special_tokens", tokens, "a list of texts");
        }
        for (var token : tokens) {
            var text = token.isObject() ? token.path("content") : token;
            if (!text.isTextual()) {
                throw folder.refused("extra_special_tokens", token, "a text");
            }
            if (!text.textValue().isEmpty()) {
                special.add(text.textValue());
            }
        }
    }

    private static Optional<Boolean> flag(ConfigFolder folder, String name, JsonNode config) {
        var flag = config.path(name);
        if (flag.isMissingNode() || flag.isNull()) {
            return Optional.empty();
        }
        if (!flag.isBoolean()) {
            throw folder.refused(name, flag, "true or false");
        }
        return Optional.of(flag.booleanValue());
    }

    private static JsonNode object(ConfigFolder folder, String name, JsonNode node) {
        if (!node.isObject()) {
            throw folder.refused(name, node, "an object");
        }
        return node;
    }
}
