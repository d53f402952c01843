package dev.graft.data;

import dev.graft.data.SentencePieceModel.Kind;
import dev.graft.data.SentencePieceModel.Piece;
import dev.graft.error.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// A SentencePiece model as a tokenizer of the tokenizers library, with the ids that SentencePiece
/// itself gives a text, which are those that the model was trained on.
///
/// So are those of the published `tokenizer.json` files. Transformers 5.18, given nothing but a
/// `tokenizer.model`, orders the merges by id rather than by score and drops a space at the start
/// of a text; its ids differ.
record SentencePieceTokenizer(
        ConfigFolder folder, DeclaredTokens declared, Path file, SentencePieceModel model) {
    static TokenizerJson convert(
            ConfigFolder folder, DeclaredTokens declared, Path file, ByteBuffer bytes) {
        var model = SentencePieceModel.read(file, bytes);
        return new SentencePieceTokenizer(folder, declared, file, model).made().json(file);
    }

    private MadeTokenizer made() {
        var pieces = renamed();
        var ids = new LinkedHashMap<String, Integer>();
        pieces.forEach(piece -> ids.put(piece.text(), ids.size()));
        var added = added(pieces, ids);
        var bos =
                Optional.ofNullable(declared.named().get("bos_token"))
                        .or(() -> token(model.bos(), pieces));
        var eos =
                Optional.ofNullable(declared.named().get("eos_token"))
                        .or(() -> token(model.eos(), pieces));
        return new MadeTokenizer(
                added,
                normalizer(),
                "null",
                decoder(),
                switch (model.algorithm()) {
                    case BPE -> bpe(pieces, ids);
                    case UNIGRAM ->
                            new MadeTokenizer.Unigram(pieces, model.unk(), model.byteFallback());
                },
                bos,
                eos,
                declared.addBos().orElse(true),
                declared.addEos().orElse(false));
    }

    private static Optional<String> token(int id, List<Piece> pieces) {
        return id < 0 ? Optional.empty() : Optional.of(pieces.get(id).text());
    }

    /// The pieces by the names that the configs give their ids: a placeholder may have become a
    /// token of its own.
    private List<Piece> renamed() {
        var pieces = new ArrayList<>(model.pieces());
        var texts = new LinkedHashSet<String>();
        pieces.forEach(piece -> texts.add(piece.text()));
        declared.byId()
                .forEach(
                        (id, token) -> {
                            if (id < pieces.size() && texts.add(token.content())) {
                                var piece = pieces.get(id);
                                pieces.set(
                                        id,
                                        new Piece(token.content(), piece.score(), Kind.CONTROL));
                            }
                        });
        return pieces;
    }

    private AddedTokens added(List<Piece> pieces, Map<String, Integer> ids) {
        var added = new AddedTokens(folder, ids, pieces.size());
        for (int id = 0; id < pieces.size(); id++) {
            String text = pieces.get(id).text();
            var token =
                    switch (pieces.get(id).kind()) {
                        case CONTROL, UNKNOWN -> AddedToken.special(text);
                        case USER_DEFINED -> AddedToken.plain(text);
                        case NORMAL, BYTE -> null;
                    };
            if (token != null) {
                var config = declared.byId().get(id);
                boolean same = config != null && config.content().equals(text);
                added.add(same ? config : token, OptionalInt.of(id));
            }
        }
        added.complete(declared);
        return added;
    }

    /// Pieces that text cannot become (control, byte, unknown) take no part in merges.
    private MadeTokenizer.Bpe bpe(List<Piece> pieces, Map<String, Integer> ids) {
        var vocabulary = new LinkedHashMap<>(ids);
        var text = new HashMap<String, Integer>();
        for (var piece : pieces) {
            if (piece.isText()) {
                text.put(piece.text(), ids.get(piece.text()));
            }
        }
        // Merges of tabs need a token of one tab; where there is none, its byte stands for it.
        Integer tab = ids.get("<0x09>");
        if (tab != null && !ids.containsKey("\t") && text.containsKey("\t\t")) {
            vocabulary.remove("<0x09>");
            vocabulary.put("\t", tab);
            text.put("\t", tab);
        }
        var merges = new BpeMerges(file, text);
        for (var piece : pieces) {
            if (piece.isText()) {
                merges.add(piece.text(), piece.score());
            }
        }
        if (merges.byScore().isEmpty()) {
            throw new ModelFormatException(
                    "%s: found a BPE model of %d pieces that never merge, expected a vocabulary of a language model"
                            .formatted(file, pieces.size()));
        }
        return new MadeTokenizer.Bpe(
                vocabulary,
                merges.byScore(),
                pieces.get(model.unk()).text(),
                model.byteFallback(),
                false);
    }

    /// First the character map, then spaces, then the space before the text, then ▁ for spaces:
    /// the order of SentencePiece.
    private String normalizer() {
        var steps = new ArrayList<String>();
        if (model.characterMap().hasRemaining()) {
            var bytes = new byte[model.characterMap().remaining()];
            model.characterMap().duplicate().get(bytes);
            steps.add(
                    "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"%s\"}"
                            .formatted(Base64.getEncoder().encodeToString(bytes)));
        }
        if (model.removeExtraSpaces()) {
            steps.add(replace("{\"Regex\": \"\\\\A +| +\\\\z\"}", ""));
            steps.add(replace("{\"Regex\": \" {2,}\"}", " "));
        }
        if (model.dummyPrefix()) {
            steps.add("{\"type\": \"Prepend\", \"prepend\": \"▁\"}");
        }
        steps.add(replace("{\"String\": \" \"}", "▁"));
        return "{\"type\": \"Sequence\", \"normalizers\": [%s]}".formatted(String.join(",", steps));
    }

    private String decoder() {
        var steps = new ArrayList<String>();
        steps.add(replace("{\"String\": \"▁\"}", " "));
        if (model.byteFallback()) {
            steps.add("{\"type\": \"ByteFallback\"}");
        }
        steps.add("{\"type\": \"Fuse\"}");
        if (model.dummyPrefix()) {
            steps.add("{\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}");
        }
        return "{\"type\": \"Sequence\", \"decoders\": [%s]}".formatted(String.join(",", steps));
    }

    private static String replace(String pattern, String by) {
        return "{\"type\": \"Replace\", \"pattern\": %s, \"content\": \"%s\"}"
                .formatted(pattern, by);
    }
}
