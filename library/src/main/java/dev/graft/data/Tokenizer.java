package dev.graft.data;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;

/// Text to token ids and back, by the Rust `tokenizers` library that Transformers uses.
///
/// What is added around a text (a BOS, say) is what `tokenizer.json` says, as in Transformers 5:
/// `add_bos_token` and `add_eos_token` of `tokenizer_config.json` do not count beside it. Nothing
/// is ever truncated or padded, whatever the file says. Safe for several threads until it is
/// closed.
public final class Tokenizer implements AutoCloseable {
    private final HuggingFaceTokenizer tokenizer;
    private final TokenizerFiles files;
    private final boolean addsBos;

    private Tokenizer(HuggingFaceTokenizer tokenizer, TokenizerFiles files) {
        this.tokenizer = tokenizer;
        this.files = files;
        int[] around = encode("", true);
        var bos = files.bosId();
        this.addsBos = bos.isPresent() && around.length > 0 && around[0] == bos.getAsInt();
    }

    /// Loads the tokenizer of a Hugging Face model folder; takes up to two seconds, so load it
    /// once.
    ///
    /// @throws ModelFormatException where there is no usable `tokenizer.json`
    public static Tokenizer load(Path modelFolder) {
        var files = TokenizerFiles.read(modelFolder);
        stayOffline();
        try {
            var options = Map.of("truncation", "false", "padding", "false");
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
    public int[] encode(String text, boolean addSpecialTokens) {
        // The library's own encode() also builds a string and a span for every token.
        long encoding = TokenizersLibrary.LIB.encode(handle(), text, addSpecialTokens);
        try {
            return Arrays.stream(TokenizersLibrary.LIB.getTokenIds(encoding))
                    .mapToInt(Math::toIntExact)
                    .toArray();
        } finally {
            TokenizersLibrary.LIB.deleteEncoding(encoding);
        }
    }

    /// The ids of a text that begins a sequence, for training, evaluation and generation alike:
    /// with the BOS if this tokenizer begins with one, exactly one even where the text itself
    /// spells it out, and with no EOS at the end.
    public int[] encodeBeginning(String text) {
        int[] plain = encode(text, false);
        var bos = bosId();
        if (!addsBos) {
            return plain;
        }
        if (plain.length > 0 && plain[0] == bos.getAsInt()) {
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

    /// The `tokenizer.json` that was read.
    public Path file() {
        return files.tokenizer();
    }

    private long handle() {
        return tokenizer.getHandle();
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
