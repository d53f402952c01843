package dev.graft.data;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.graft.error.ConfigException;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// The call of the tokenizers library that encodes, with what it would not survive kept from it.
final class Encoder {
    /// From this length on the time is watched: a pattern that is tried in vain at every place of a
    /// text takes its square.
    private static final int WATCHED = 100_000;

    /// Five times the slowest that was measured.
    private static final int CHARACTERS_A_SECOND = 10_000;

    private static final long SECONDS = 60;

    /// Patterns give white space back step by step, and the library ends the process after ten
    /// million steps.
    private static final int LONGEST_RUN = 4_000_000;

    private Encoder() {}

    /// An encoding of the library, which the caller deletes.
    ///
    /// @param file the tokenizer's, for an error
    /// @param around whether with what the tokenizer puts around a text
    /// @throws ConfigException where the text is none, or the library fails over it
    static long encode(Path file, long handle, String text, boolean around) {
        requireCharacters(text);
        try {
            return text.length() < WATCHED
                    ? TokenizersLibrary.LIB.encode(handle, text, around)
                    : watched(file, handle, text, around);
        } catch (ConfigException e) {
            throw e;
        } catch (RuntimeException e) {
            throw failed(file, text, e.getMessage(), e);
        }
    }

    /// What is not done in time goes on by itself until the process ends: nothing can stop it.
    private static long watched(Path file, long handle, String text, boolean around) {
        var task = new FutureTask<>(() -> TokenizersLibrary.LIB.encode(handle, text, around));
        Thread.ofPlatform().daemon().name("encode").start(task);
        long seconds = SECONDS + text.length() / CHARACTERS_A_SECOND;
        try {
            return task.get(seconds, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw failed(file, text, "not done after %d seconds".formatted(seconds), e);
        } catch (ExecutionException e) {
            throw failed(file, text, e.getCause().getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed(file, text, "interrupted", e);
        }
    }

    private static ConfigException failed(Path file, String text, String why, Exception e) {
        return new ConfigException(
                "%s: the tokenizers library cannot encode a text of %d characters (%s): %s; the tokenizer does not fit such texts: mend it, or drop the text"
                        .formatted(file, text.length(), excerpt(text, 0), why),
                e);
    }

    private static void requireCharacters(String text) {
        int blank = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            blank = Character.isWhitespace(c) ? blank + 1 : 0;
            if (blank > LONGEST_RUN) {
                throw new ConfigException(
                        "found more than %d characters of white space one after another at character %d of a text, expected fewer: mend or drop it"
                                .formatted(LONGEST_RUN, i));
            }
            boolean pair =
                    Character.isHighSurrogate(c)
                            && i + 1 < text.length()
                            && Character.isLowSurrogate(text.charAt(i + 1));
            if (pair) {
                i++;
            } else if (Character.isSurrogate(c)) {
                throw new ConfigException(
                        "found U+%04X, half of a surrogate pair, at character %d of a text (%s), expected whole characters: the text was cut in the middle of one; mend or drop it"
                                .formatted((int) c, i, excerpt(text, i)));
            }
        }
    }

    private static String excerpt(String text, int at) {
        String around = text.substring(Math.max(0, at - 20), Math.min(text.length(), at + 20));
        return around.codePoints()
                .map(c -> Character.getType(c) == Character.SURROGATE ? 0xFFFD : c)
                .map(c -> Character.isISOControl(c) ? ' ' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
