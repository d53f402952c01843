package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;

/// The parts of a `tokenizer.json` around its model: refuses what the tokenizers library reads, but
/// then ends the process over, or fills the memory with.
record TokenizerParts(Path file) {
    /// A thousand times what any tokenizer needs.
    private static final long MOST_GROWTH = 10_000;

    void require(String name, JsonNode part) {
        for (var pattern : part.findValues("Regex")) {
            RegexCost.require(file, pattern.asText());
        }
        for (var map : part.findValues("precompiled_charsmap")) {
            PrecompiledMap.require(file, bytes(map));
        }
        long growth = 1;
        for (var each : all(part)) {
            switch (each.path("type").asText()) {
                case "TemplateProcessing" -> requireTemplate(each);
                case "FixedLength" -> requireNumber(each, "length", 1, Integer.MAX_VALUE);
                case "Strip" -> {
                    if (each.has("stop")) {
                        requireNumber(each, "stop", 0, 0);
                    }
                }
                case "Replace" -> growth *= growth(each);
                default -> {}
            }
            if (growth > MOST_GROWTH) {
                throw refused(name, "replacements that make a text longer and longer", "fewer");
            }
        }
    }

    /// A part, and those that it is a sequence of.
    private static List<JsonNode> all(JsonNode part) {
        return part.has("type") ? part.findParents("type") : List.of();
    }

    private ByteBuffer bytes(JsonNode map) {
        try {
            if (map.isTextual()) {
                return ByteBuffer.wrap(map.binaryValue());
            }
        } catch (IOException e) {
            throw new ModelFormatException(
                    refused("precompiled_charsmap", "a text", "base64").getMessage(), e);
        }
        throw refused("precompiled_charsmap", map, "base64");
    }

    /// How many times longer a text may become.
    private static long growth(JsonNode replace) {
        int before = Math.max(1, replace.path("pattern").path("String").asText().length());
        return Math.max(1, replace.path("content").asText().length() / before);
    }

    private void requireNumber(JsonNode part, String name, int least, int most) {
        var number = part.path(name);
        if (!number.isInt() || number.intValue() < least || number.intValue() > most) {
            throw refused(
                    part.path("type").asText() + ": " + name,
                    number,
                    least == most ? String.valueOf(least) : "at least " + least);
        }
    }

    /// Of one text there is no second, and a token without an entry has no id.
    private void requireTemplate(JsonNode template) {
        var known = new HashSet<String>();
        template.path("special_tokens").properties().forEach(token -> known.add(token.getKey()));
        for (var piece : template.path("single")) {
            var token = piece.path("SpecialToken").path("id");
            var text = piece.path("Sequence").path("id");
            if (!token.isMissingNode() && !known.contains(token.asText())) {
                throw refused("single: SpecialToken", token, "one of its special_tokens");
            }
            if (!text.isMissingNode() && !text.asText().equals("A")) {
                throw refused("single: Sequence", text, "\"A\", the only text");
            }
        }
    }

    private ModelFormatException refused(String name, Object found, String expected) {
        return new ModelFormatException(
                "%s: %s: found %s, expected %s"
                        .formatted(file, name, ConfigFolder.excerpt(found.toString()), expected));
    }
}
