package dev.graft.app.demo;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/// GPT-2's spelling of bytes as visible characters: a space is `Ġ`, a line end `Ċ`.
final class ByteLevel {
    private static final char[] SPELLING = spelling();

    private ByteLevel() {}

    static String encode(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        var spelled = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            spelled.append(SPELLING[b & 0xFF]);
        }
        return spelled.toString();
    }

    /// The 256 characters, in the order of their code points.
    static List<String> alphabet() {
        return IntStream.range(0, 256).mapToObj(i -> "" + SPELLING[i]).sorted().toList();
    }

    private static char[] spelling() {
        var spelling = new char[256];
        int next = 256;
        for (int i = 0; i < 256; i++) {
            boolean visible = (i >= '!' && i <= '~') || (i >= 0xA1 && i <= 0xAC) || i >= 0xAE;
            spelling[i] = (char) (visible ? i : next++);
        }
        return spelling;
    }
}
