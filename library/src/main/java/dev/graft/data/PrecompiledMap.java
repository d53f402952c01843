package dev.graft.data;

import dev.graft.error.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.BitSet;

/// The compiled character map of a SentencePiece normalizer: the size of a trie in bytes, the
/// trie (a double array of 32-bit units), and the texts that it points to, each ended by a zero.
///
/// The tokenizers library trusts it, and a map that points outside itself ends the whole process;
/// so everything that a walk over the trie can reach is looked at here first.
final class PrecompiledMap {
    /// Sixteen times the size of the largest in use; a bound on the time that looking takes.
    private static final int LARGEST_TRIE = 1 << 22;

    private final Path file;
    private final int[] units;
    private final byte[] texts;
    private final BitSet seen;

    private PrecompiledMap(Path file, int[] units, byte[] texts) {
        this.file = file;
        this.units = units;
        this.texts = texts;
        this.seen = new BitSet(units.length);
    }

    /// @throws ModelFormatException where the map is not whole
    static void require(Path file, ByteBuffer map) {
        var bytes = map.slice().order(ByteOrder.LITTLE_ENDIAN);
        long size = bytes.remaining() < 4 ? -1 : Integer.toUnsignedLong(bytes.getInt());
        if (size < 4 || size % 4 != 0 || size > Math.min(bytes.remaining(), LARGEST_TRIE)) {
            throw malformed(file, "a trie of %d bytes in %d".formatted(size, map.remaining()));
        }
        var units = new int[(int) size / 4];
        for (int i = 0; i < units.length; i++) {
            units[i] = bytes.getInt();
        }
        var texts = new byte[bytes.remaining()];
        bytes.get(texts);
        try {
            var _ = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(texts));
        } catch (CharacterCodingException e) {
            throw new ModelFormatException(
                    malformed(file, "texts that are not UTF-8").getMessage(), e);
        }
        new PrecompiledMap(file, units, texts).walk();
    }

    private void walk() {
        var open = new int[units.length];
        int size = 1;
        seen.set(0);
        while (size > 0) {
            int at = open[--size];
            // The children of a unit are at its base, each moved by its byte; 0 is the value.
            int base = at ^ offset(units[at]);
            if ((base | 0xFF) >= units.length) {
                throw malformed(file, "a trie that points outside itself");
            }
            if ((units[at] >>> 8 & 1) == 1) {
                requireText(units[base] & 0x7FFFFFFF);
            }
            for (int label = 1; label < 256; label++) {
                int child = base ^ label;
                if ((units[child] & 0x800000FF) == label && !seen.get(child)) {
                    seen.set(child);
                    open[size++] = child;
                }
            }
        }
    }

    private static int offset(int unit) {
        return (unit >>> 10) << ((unit & 0x200) >>> 6);
    }

    private void requireText(int start) {
        boolean inside =
                start < texts.length
                        && (texts[start] & 0xC0) != 0x80
                        && (texts[texts.length - 1] == 0);
        if (!inside) {
            throw malformed(file, "a trie that points outside the texts");
        }
    }

    private static ModelFormatException malformed(Path file, String found) {
        return new ModelFormatException(
                "%s: the character map of the normalizer: found %s, expected a whole map; the file is damaged: download it again"
                        .formatted(file, found));
    }
}
