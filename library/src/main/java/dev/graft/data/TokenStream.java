package dev.graft.data;

import java.util.Arrays;

/// Decodes ids one at a time and never emits half a character.
///
/// A token alone does not know its text: a character may be spread over several byte tokens, and
/// whether a word starts with a space depends on what stands before it. So each step decodes a
/// window of ids that begins before the last emitted token, and emits what it adds. A window that
/// ends in U+FFFD is a character still to come, and is held back.
public final class TokenStream {
    /// Context tokens that are enough to know the space before the first word.
    private static final int CONTEXT = 6;

    private final Tokenizer tokenizer;
    private int[] window;
    private int size;
    private int emitted;

    TokenStream(Tokenizer tokenizer, int[] context) {
        this.tokenizer = tokenizer;
        int kept = Math.min(CONTEXT, context.length);
        this.window =
                Arrays.copyOf(
                        Arrays.copyOfRange(context, context.length - kept, context.length), 32);
        this.size = kept;
        this.emitted = kept;
    }

    /// Takes the next id; returns the text that is now certain, often a word, sometimes nothing.
    public String add(int id) {
        if (size == window.length) {
            window = Arrays.copyOf(window, 2 * size);
        }
        window[size++] = id;
        String text = pending();
        if (text.isEmpty() || text.endsWith("\uFFFD")) {
            return "";
        }
        return emit(text);
    }

    /// The text that was held back, as it is; the end of the stream.
    public String finish() {
        return emit(pending());
    }

    private String pending() {
        String before = tokenizer.decode(Arrays.copyOf(window, emitted), true);
        String all = tokenizer.decode(Arrays.copyOf(window, size), true);
        return all.length() > before.length() ? all.substring(before.length()) : "";
    }

    /// Slides the window: what was just emitted is the context of what comes.
    private String emit(String text) {
        int from = emitted;
        System.arraycopy(window, from, window, 0, size - from);
        size -= from;
        emitted = size;
        return text;
    }
}
