package dev.graft.data;

import dev.graft.error.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/// A SentencePiece model as `sentencepiece_model.proto` lays it out: what turning text into ids
/// depends on, and nothing of its training.
///
/// @param characterMap the compiled character map of the normalizer, empty where there is none
/// @param dummyPrefix whether a space goes before every text
/// @param removeExtraSpaces whether spaces at the ends, and all but one of several, are dropped
record SentencePieceModel(
        List<Piece> pieces,
        Algorithm algorithm,
        boolean byteFallback,
        int unk,
        int bos,
        int eos,
        ByteBuffer characterMap,
        boolean dummyPrefix,
        boolean removeExtraSpaces) {
    /// Longer than any piece of a real vocabulary; a bound on the time that merges take.
    private static final int LONGEST_PIECE = 256;

    enum Algorithm {
        UNIGRAM,
        BPE
    }

    enum Kind {
        NORMAL,
        UNKNOWN,
        CONTROL,
        USER_DEFINED,
        BYTE
    }

    record Piece(String text, float score, Kind kind) {
        /// Whether the piece can come of text, rather than being put beside it.
        boolean isText() {
            return kind == Kind.NORMAL || kind == Kind.USER_DEFINED;
        }
    }

    /// The token of an id, or null where the model has none (-1).
    String token(int id) {
        return id < 0 ? null : pieces.get(id).text();
    }

    /// @throws ModelFormatException where the bytes are no such model, or one of a kind whose ids
    ///     the tokenizers library cannot give
    static SentencePieceModel read(Path file, ByteBuffer bytes) {
        var model = new Draft(file);
        var message = new ProtobufReader(file, bytes);
        for (int field = message.next(); field != 0; field = message.next()) {
            switch (field) {
                case 1 -> model.piece(message.message());
                case 2 -> model.trainer(message.message());
                case 3 -> model.normalizer(message.message());
                case 5 -> model.denormalizer(message.message());
                default -> message.skip();
            }
        }
        return model.checked();
    }

    /// The model while it is read, with the defaults of the proto.
    private static final class Draft {
        private final Path file;
        private final List<Piece> pieces = new ArrayList<>();
        private final HashSet<String> texts = new HashSet<>();
        private long algorithm = 1;
        private boolean byteFallback;
        private long unk;
        private long bos = 1;
        private long eos = 2;
        private boolean spaceAsSuffix;
        private ByteBuffer characterMap = ByteBuffer.allocate(0);
        private boolean dummyPrefix = true;
        private boolean removeExtraSpaces = true;
        private boolean escapeSpaces = true;
        private boolean denormalizes;
        private boolean hasTrainer;
        private boolean hasNormalizer;

        Draft(Path file) {
            this.file = file;
        }

        void piece(ProtobufReader message) {
            String text = "";
            float score = 0;
            long kind = 1;
            for (int field = message.next(); field != 0; field = message.next()) {
                switch (field) {
                    case 1 -> text = message.text();
                    case 2 -> score = message.fraction();
                    case 3 -> kind = message.number();
                    default -> message.skip();
                }
            }
            int id = pieces.size();
            if (text.isEmpty() || text.length() > LONGEST_PIECE) {
                throw refused("a piece %d of %d characters", "1 to 256", id, text.length());
            }
            if (!texts.add(text)) {
                throw refused("the piece %d (%s) a second time", "every piece once", id, text);
            }
            if (!Float.isFinite(score)) {
                throw refused("the score %s of piece %d", "a finite number", score, id);
            }
            pieces.add(new Piece(text, score, kind(id, text, kind)));
        }

        private Kind kind(int id, String text, long number) {
            return switch (Math.clamp(number, 0, 7)) {
                case 1 -> Kind.NORMAL;
                case 2 -> Kind.UNKNOWN;
                case 3 -> Kind.CONTROL;
                case 4 -> Kind.USER_DEFINED;
                case 5 ->
                        throw refused(
                                "the unused piece %d (%s)",
                                "none: a restricted vocabulary is not supported; use the model's tokenizer.json",
                                id,
                                text);
                case 6 -> Kind.BYTE;
                default -> throw refused("the type %d of piece %d", "1 to 6", number, id);
            };
        }

        void trainer(ProtobufReader message) {
            hasTrainer = true;
            for (int field = message.next(); field != 0; field = message.next()) {
                switch (field) {
                    case 3 -> algorithm = message.number();
                    case 24 -> spaceAsSuffix = message.flag();
                    case 35 -> byteFallback = message.flag();
                    case 40 -> unk = message.number();
                    case 41 -> bos = message.number();
                    case 42 -> eos = message.number();
                    default -> message.skip();
                }
            }
        }

        void normalizer(ProtobufReader message) {
            hasNormalizer = true;
            for (int field = message.next(); field != 0; field = message.next()) {
                switch (field) {
                    case 2 -> characterMap = message.data();
                    case 3 -> dummyPrefix = message.flag();
                    case 4 -> removeExtraSpaces = message.flag();
                    case 5 -> escapeSpaces = message.flag();
                    default -> message.skip();
                }
            }
        }

        void denormalizer(ProtobufReader message) {
            for (int field = message.next(); field != 0; field = message.next()) {
                if (field == 2) {
                    denormalizes |= message.data().hasRemaining();
                } else {
                    message.skip();
                }
            }
        }

        SentencePieceModel checked() {
            // They come after the pieces, so a file that was cut short lacks them.
            if (!hasTrainer || !hasNormalizer) {
                throw refused(
                        "%d pieces and nothing after them",
                        "the specs of trainer and normalizer; download the file again",
                        pieces.size());
            }
            if (algorithm != 1 && algorithm != 2) {
                throw refused("the model type %d", "1 (unigram) or 2 (BPE)", algorithm);
            }
            if (spaceAsSuffix || !escapeSpaces || denormalizes) {
                throw refused(
                        "spaces after words, spaces kept as they are, or a denormalizer",
                        "the usual ▁ before a word; use the model's tokenizer.json");
            }
            if (characterMap.hasRemaining()) {
                PrecompiledMap.require(file, characterMap);
            }
            return new SentencePieceModel(
                    List.copyOf(pieces),
                    algorithm == 1 ? Algorithm.UNIGRAM : Algorithm.BPE,
                    byteFallback,
                    id("unk_id", unk, Kind.UNKNOWN),
                    optionalId("bos_id", bos),
                    optionalId("eos_id", eos),
                    characterMap,
                    dummyPrefix,
                    removeExtraSpaces);
        }

        private int optionalId(String name, long id) {
            // The default of the proto is an id that a small or old vocabulary may use otherwise.
            boolean control =
                    id >= 0 && id < pieces.size() && pieces.get((int) id).kind() == Kind.CONTROL;
            return id < 0 || (id < pieces.size() && !control) ? -1 : id(name, id, Kind.CONTROL);
        }

        private int id(String name, long id, Kind kind) {
            if (id < 0 || id >= pieces.size() || pieces.get((int) id).kind() != kind) {
                throw refused(
                        "%s %d",
                        "a piece of the type %s among the %d", name, id, kind, pieces.size());
            }
            return (int) id;
        }

        private ModelFormatException refused(String found, String expected, Object... values) {
            return new ModelFormatException(
                    ("%s: found " + found + ", expected " + expected)
                            .formatted(concat(file, values)));
        }

        private static Object[] concat(Path file, Object... values) {
            var all = new ArrayList<Object>(List.of(values));
            all.addFirst(file);
            return all.toArray();
        }
    }
}
