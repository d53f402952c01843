package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/// A token that is found in a text before the model of the tokenizer sees it.
///
/// @param singleWord only where it is a word by itself
/// @param lstrip with the white space before it; `rstrip` with that after it
/// @param normalized found in the normalized text rather than in the text as given
/// @param special left out where a text is decoded without special tokens
record AddedToken(
        String content,
        boolean singleWord,
        boolean lstrip,
        boolean rstrip,
        boolean normalized,
        boolean special) {
    private static final JsonMapper JSON = new JsonMapper();

    static AddedToken special(String content) {
        return new AddedToken(content, false, false, false, false, true);
    }

    /// A token that is no more special than text, as SentencePiece's user-defined symbols.
    static AddedToken plain(String content) {
        return new AddedToken(content, false, false, false, false, false);
    }

    /// An object with its text under `content`; flags that are absent have the defaults of the
    /// tokenizers library.
    static AddedToken of(JsonNode token) {
        boolean special = token.path("special").asBoolean(false);
        return new AddedToken(
                token.path("content").asText(),
                token.path("single_word").asBoolean(false),
                token.path("lstrip").asBoolean(false),
                token.path("rstrip").asBoolean(false),
                token.path("normalized").asBoolean(!special),
                special);
    }

    AddedToken asSpecial() {
        return new AddedToken(content, singleWord, lstrip, rstrip, normalized, true);
    }

    /// The same with a mark before its text.
    AddedToken marked() {
        return new AddedToken(
                SpecialMarks.MARK + content, singleWord, lstrip, rstrip, normalized, special);
    }

    /// As `tokenizer.json` writes it.
    ObjectNode json(int id) {
        return JSON.createObjectNode()
                .put("id", id)
                .put("content", content)
                .put("single_word", singleWord)
                .put("lstrip", lstrip)
                .put("rstrip", rstrip)
                .put("normalized", normalized)
                .put("special", special);
    }
}
