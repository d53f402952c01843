package dev.graft.data;

import dev.graft.data.AssistantSpans.Span;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Tells the special tokens that are meant from those that somebody spelled out: a mark goes before
/// each that is meant, and the tokenizer that reads the text has its special tokens by these names.
///
/// So the whole text is tokenized at once, as it would be if people had written other words.
final class SpecialMarks {
    /// Drawn anew by every process, so that no text can have it: a noncharacter and 64 bits.
    static final String MARK = "\uFDD0" + drawn();

    private final Map<Character, List<String>> special = new HashMap<>();

    SpecialMarks(Set<String> special) {
        special.stream()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .forEach(
                        token ->
                                this.special
                                        .computeIfAbsent(token.charAt(0), _ -> new ArrayList<>())
                                        .add(token));
    }

    private static String drawn() {
        var bytes = new byte[8];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /// A text with marks.
    ///
    /// @param places where the marks begin in it
    @SuppressWarnings("ArrayRecordComponent")
    record Marked(String text, int[] places) {
        /// The place in the text without marks.
        int original(int at) {
            int found = Arrays.binarySearch(places, at);
            int before = found < 0 ? -found - 1 : found;
            int end = before == 0 ? 0 : places[before - 1] + MARK.length();
            return Math.max(at, end) - before * MARK.length();
        }
    }

    /// @param plain the parts of the text where special tokens are text, in order
    Marked marked(String text, List<Span> plain) {
        var marked = new StringBuilder();
        var places = new int[16];
        int count = 0;
        int at = 0;
        int next = 0;
        while (at < text.length()) {
            while (next < plain.size() && plain.get(next).to() <= at) {
                next++;
            }
            int until = next < plain.size() ? plain.get(next).from() : text.length();
            if (at >= until) {
                int to = Math.min(plain.get(next).to(), text.length());
                marked.append(text, at, to);
                at = to;
                continue;
            }
            int length = longest(text, at, until);
            if (length > 0) {
                places = count == places.length ? Arrays.copyOf(places, 2 * count) : places;
                places[count++] = marked.length();
                marked.append(MARK);
            }
            int to = at + Math.max(1, length);
            marked.append(text, at, to);
            at = to;
        }
        return new Marked(marked.toString(), Arrays.copyOf(places, count));
    }

    /// The length of the longest special token at a place; 0 where there is none.
    private int longest(String text, int at, int until) {
        for (String token : special.getOrDefault(text.charAt(at), List.of())) {
            if (at + token.length() <= until && text.startsWith(token, at)) {
                return token.length();
            }
        }
        return 0;
    }
}
