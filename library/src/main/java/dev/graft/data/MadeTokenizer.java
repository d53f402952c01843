package dev.graft.data;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A tokenizer put together from other files than `tokenizer.json`, in the parts of the tokenizers
/// library.
///
/// @param normalizer JSON, as are `preTokenizer` and `decoder`
/// @param bos the token that begins a sequence; `eos` the one that ends an answer
/// @param addsBos whether `bos` goes before every text; `addsEos` whether `eos` goes after it
record MadeTokenizer(
        AddedTokens added,
        String normalizer,
        String preTokenizer,
        String decoder,
        Model model,
        Optional<String> bos,
        Optional<String> eos,
        boolean addsBos,
        boolean addsEos) {
    /// What turns the parts of a text into tokens.
    sealed interface Model {}

    /// @param unk the token of what the vocabulary lacks, or null
    /// @param ignoreMerges whether a whole word that is a token is one, whatever the merges say
    record Bpe(
            Map<String, Integer> vocabulary,
            List<BpeMerges.Merge> merges,
            String unk,
            boolean byteFallback,
            boolean ignoreMerges)
            implements Model {}

    record Unigram(List<SentencePieceModel.Piece> pieces, int unk, boolean byteFallback)
            implements Model {}

    /// @param file what it was made of
    TokenizerJson json(Path file) {
        var bytes = new ByteArrayOutputStream();
        try (var to = ConfigFolder.JSON.createGenerator(bytes)) {
            to.writeStartObject();
            to.writeStringField("version", "1.0");
            to.writeNullField("truncation");
            to.writeNullField("padding");
            part(to, "added_tokens", added.json());
            part(to, "normalizer", parsed(normalizer));
            part(to, "pre_tokenizer", parsed(preTokenizer));
            part(to, "post_processor", around());
            part(to, "decoder", parsed(decoder));
            to.writeObjectFieldStart("model");
            switch (model) {
                case Bpe bpe -> write(to, bpe);
                case Unigram unigram -> write(to, unigram);
            }
            to.writeEndObject();
            to.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return TokenizerJson.made(file, bytes.toByteArray(), bos, eos);
    }

    private static JsonNode parsed(String json) throws JsonProcessingException {
        return ConfigFolder.JSON.readTree(json);
    }

    private static void part(JsonGenerator to, String name, JsonNode value) throws IOException {
        to.writeFieldName(name);
        to.writeTree(value);
    }

    private static void write(JsonGenerator to, Bpe bpe) throws IOException {
        to.writeStringField("type", "BPE");
        to.writeStringField("unk_token", bpe.unk);
        to.writeBooleanField("fuse_unk", bpe.unk != null);
        to.writeBooleanField("byte_fallback", bpe.byteFallback);
        to.writeBooleanField("ignore_merges", bpe.ignoreMerges);
        to.writeObjectFieldStart("vocab");
        for (var token : bpe.vocabulary.entrySet()) {
            to.writeNumberField(token.getKey(), token.getValue());
        }
        to.writeEndObject();
        to.writeArrayFieldStart("merges");
        for (var merge : bpe.merges) {
            to.writeArray(new String[] {merge.left(), merge.right()}, 0, 2);
        }
        to.writeEndArray();
    }

    private static void write(JsonGenerator to, Unigram unigram) throws IOException {
        to.writeStringField("type", "Unigram");
        to.writeNumberField("unk_id", unigram.unk);
        to.writeBooleanField("byte_fallback", unigram.byteFallback);
        to.writeArrayFieldStart("vocab");
        for (var piece : unigram.pieces) {
            to.writeStartArray();
            to.writeString(piece.text());
            to.writeNumber((double) piece.score());
            to.writeEndArray();
        }
        to.writeEndArray();
    }

    /// What goes around a text, and around the second of a pair.
    private ObjectNode around() {
        var json = ConfigFolder.JSON;
        var single = json.createArrayNode();
        var tokens = json.createObjectNode();
        if (addsBos && bos.isPresent()) {
            single.add(special(bos.get(), tokens));
        }
        single.add(json.createObjectNode().set("Sequence", reference("A")));
        if (addsEos && eos.isPresent()) {
            single.add(special(eos.get(), tokens));
        }
        var processor = json.createObjectNode().put("type", "TemplateProcessing");
        processor.set("single", single);
        processor.set(
                "pair",
                single.deepCopy().add(json.createObjectNode().set("Sequence", reference("B"))));
        processor.set("special_tokens", tokens);
        return processor;
    }

    private JsonNode special(String token, ObjectNode tokens) {
        var entry = ConfigFolder.JSON.createObjectNode().put("id", token);
        entry.putArray("ids").add(added.id(token).orElseThrow());
        entry.putArray("tokens").add(token);
        tokens.set(token, entry);
        return ConfigFolder.JSON.createObjectNode().set("SpecialToken", reference(token));
    }

    private static ObjectNode reference(String id) {
        return ConfigFolder.JSON.createObjectNode().put("id", id).put("type_id", 0);
    }
}
