package dev.graft.data;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.graft.data.AssistantSpans.Span;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/// Text to token ids and back, by the Rust `tokenizers` library that Transformers uses.
///
/// What is added around a text (a BOS, say) is what `tokenizer.json` says, as in Transformers 5:
/// `add_bos_token` and `add_eos_token` of `tokenizer_config.json` do not count beside it. They do
/// where the tokenizer is made of a `tokenizer.model`; there a BOS goes first unless they say
/// otherwise. Tokens that the configs declare and the vocabulary lacks are added as Transformers
/// adds them, but for a pad token: nothing is ever truncated or padded, whatever the file says.
///
/// The ids are those of `tokenizer.json` as it stands. For the class LlamaTokenizer Transformers
/// 5.18 rebuilds the tokenizer instead, and then drops the first of the spaces that begin a text,
/// which neither SentencePiece nor that file does. Safe for several threads until it is closed.
public final class Tokenizer implements AutoCloseable {
    private final HuggingFaceTokenizer tokenizer;
    private final TokenizerFiles files;
    private final boolean addsBos;
    private final SpecialMarks marks;
    private HuggingFaceTokenizer marked;

    private Tokenizer(HuggingFaceTokenizer tokenizer, TokenizerFiles files) {
        this.tokenizer = tokenizer;
        this.files = files;
        this.marks = new SpecialMarks(files.special().keySet());
        int[] around = encode("", true);
        var bos = files.bosId();
        this.addsBos = bos.isPresent() && around.length > 0 && around[0] == bos.getAsInt();
    }

    /// Loads the tokenizer of a Hugging Face model folder; takes up to two seconds, so load it
    /// once. Read are `tokenizer.json`, else `tokenizer.model` (SentencePiece or tiktoken), else
    /// `vocab.json` with `merges.txt`.
    ///
    /// @throws ModelFormatException where none of them is there, or the first is not usable
    public static Tokenizer load(Path modelFolder) {
        var files = TokenizerFiles.read(modelFolder);
        stayOffline();
        try {
            var options = Map.of("truncation", "false", "padding", "false");
            if (files.json().inMemory()) {
                try (var json = files.json().open()) {
                    return new Tokenizer(HuggingFaceTokenizer.newInstance(json, options), files);
                }
            }
            return new Tokenizer(
                    HuggingFaceTokenizer.newInstance(files.tokenizer(), options), files);
        } catch (IOException | RuntimeException e) {
            throw new ModelFormatException(
                    "%s: the tokenizers library cannot read it: %s"
                            .formatted(files.tokenizer(), e.getMessage()),
                    e);
        }
    }

    /// The library reports its use to a server, and may look for files on the net, unless told not
    /// to.
    private static void stayOffline() {
        System.getProperties().putIfAbsent("ai.djl.offline", "true");
        System.getProperties().putIfAbsent("OPT_OUT_TRACKING", "true");
    }

    /// The ids of a text; with `addSpecialTokens` also what the tokenizer puts around a text.
    ///
    /// @throws ConfigException where the text has half of a surrogate pair, which is no character
    public int[] encode(String text, boolean addSpecialTokens) {
        // The library's own encode() also builds a string and a span for every token.
        long encoding = Encoder.encode(file(), handle(), text, addSpecialTokens);
        try {
            return ids(encoding);
        } finally {
            TokenizersLibrary.LIB.deleteEncoding(encoding);
        }
    }

    private static int[] ids(long encoding) {
        return Arrays.stream(TokenizersLibrary.LIB.getTokenIds(encoding))
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    /// The ids of what a person wrote: special tokens that it spells out are text.
    public int[] encodeText(String text) {
        return spellsSpecial(text)
                ? encodeSpans(text, List.of(new Span(0, text.length()))).ids()
                : encode(text, false);
    }

    /// Ids and the part of the text that each stands for, in UTF-16 units. Bytes of one character
    /// stand for all of it.
    @SuppressWarnings("ArrayRecordComponent")
    public record Encoding(int[] ids, int[] starts, int[] ends) {}

    /// The ids of a text and where they are, without anything around it.
    ///
    /// @param plain the parts of the text, in order, where special tokens that it spells out are
    ///     text; elsewhere they are these tokens
    /// @throws ConfigException as in `encode`
    public Encoding encodeSpans(String text, List<Span> plain) {
        if (plain.isEmpty()) {
            return encodeSpans(handle(), text);
        }
        var marked = marks.marked(text, plain);
        var encoding = encodeSpans(marked().getHandle(), marked.text());
        return new Encoding(
                Arrays.stream(encoding.ids)
                        .map(id -> files.markedIds().getOrDefault(id, id))
                        .toArray(),
                Arrays.stream(encoding.starts).map(marked::original).toArray(),
                Arrays.stream(encoding.ends).map(marked::original).toArray());
    }

    private Encoding encodeSpans(long handle, String text) {
        long encoding = Encoder.encode(file(), handle, text, false);
        try {
            int[] ids = ids(encoding);
            var spans = TokenizersLibrary.LIB.getTokenCharSpans(encoding);
            int[] starts = new int[ids.length];
            int[] ends = new int[ids.length];
            int[] places = places(text);
            for (int i = 0; i < ids.length; i++) {
                if (spans[i] == null) {
                    starts[i] = i == 0 ? 0 : ends[i - 1];
                    ends[i] = starts[i];
                } else {
                    starts[i] = places[spans[i].getStart()];
                    ends[i] = places[spans[i].getEnd()];
                }
            }
            return new Encoding(ids, starts, ends);
        } finally {
            TokenizersLibrary.LIB.deleteEncoding(encoding);
        }
    }

    /// Where each character of a text begins, in UTF-16 units, and its end.
    private static int[] places(String text) {
        int[] places = new int[text.codePointCount(0, text.length()) + 1];
        int at = 0;
        for (int i = 0; i < places.length - 1; i++) {
            places[i] = at;
            at += Character.charCount(text.codePointAt(at));
        }
        places[places.length - 1] = at;
        return places;
    }

    /// The same tokenizer with marks before its special tokens; it costs a second copy, so it is
    /// made when it is first needed.
    private synchronized HuggingFaceTokenizer marked() {
        if (marked == null) {
            try (var json = files.withMarks()) {
                marked =
                        HuggingFaceTokenizer.newInstance(
                                json, Map.of("truncation", "false", "padding", "false"));
            } catch (IOException e) {
                throw new ModelFormatException(
                        "%s: cannot be read: %s".formatted(files.tokenizer(), e.getMessage()), e);
            }
        }
        return marked;
    }

    /// The special tokens of the folder as they are spelled.
    public Set<String> specialTokens() {
        return files.special().keySet();
    }

    /// Whether an id is a special token.
    public boolean isSpecial(int id) {
        return files.special().containsValue(id);
    }

    /// Whether a text spells out a special token.
    public boolean spellsSpecial(String text) {
        for (String token : files.special().keySet()) {
            if (text.contains(token)) {
                return true;
            }
        }
        return false;
    }

    /// The ids of a text that begins a sequence, for training, evaluation and generation alike:
    /// with the BOS if this tokenizer begins with one, and with no EOS at the end. Special tokens
    /// that the text spells out are text.
    public int[] encodeBeginning(String text) {
        var bos = bosId();
        int[] plain = encodeText(text);
        if (!addsBos) {
            return plain;
        }
        var ids = new int[plain.length + 1];
        ids[0] = bos.getAsInt();
        System.arraycopy(plain, 0, ids, 1, plain.length);
        return ids;
    }

    /// Whether this tokenizer begins a sequence with its BOS.
    public boolean addsBos() {
        return addsBos;
    }

    /// The text of the ids, without any clean-up of spaces; bytes that are no character become
    /// U+FFFD.
    public String decode(int[] ids, boolean skipSpecialTokens) {
        if (ids.length == 0) {
            return "";
        }
        return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), skipSpecialTokens);
    }

    /// A decoder that is given one id at a time and returns whole characters only.
    ///
    /// @param context the ids before the first one, so that the space between is right
    public TokenStream stream(int... context) {
        return new TokenStream(this, context);
    }

    /// The id of the token that begins a sequence, if there is one.
    public OptionalInt bosId() {
        return files.bosId();
    }

    /// The id of the token that ends an answer, if there is one: what training appends.
    public OptionalInt eosId() {
        return files.eosId();
    }

    /// Every id that ends a generation: the tokenizer's EOS and those of the model's configs.
    public int[] stopIds() {
        return files.stops().stream().mapToInt(Integer::intValue).toArray();
    }

    /// One more than the largest id.
    public int vocabularySize() {
        return files.vocabularySize();
    }

    /// The file that the vocabulary was read from.
    public Path file() {
        return files.tokenizer();
    }

    /// What ids depend on: the JSON that the tokenizers library was given.
    InputStream json() throws IOException {
        return files.json().open();
    }

    private long handle() {
        return tokenizer.getHandle();
    }

    @Override
    public void close() {
        tokenizer.close();
        if (marked != null) {
            marked.close();
        }
    }
}
