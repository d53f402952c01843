package dev.graft.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Cutting of texts.
final class Split {
    private Split() {}

    /// `split(separator, most)`; from the end as `rsplit`.
    static List<String> at(String text, String separator, long most, boolean fromEnd) {
        long cuts = most < 0 ? Long.MAX_VALUE : most;
        List<String> parts = new ArrayList<>();
        if (fromEnd) {
            int end = text.length();
            for (int at;
                    cuts > 0
                            && (at = Needle.lastIndexOf(text, separator, end - separator.length()))
                                    >= 0;
                    cuts--) {
                parts.add(text.substring(at + separator.length(), end));
                end = at;
            }
            parts.add(text.substring(0, end));
            Collections.reverse(parts);
            return parts;
        }
        int begin = 0;
        for (int at; cuts > 0 && (at = Needle.indexOf(text, separator, begin)) >= 0; cuts--) {
            parts.add(text.substring(begin, at));
            begin = at + separator.length();
        }
        parts.add(text.substring(begin));
        return parts;
    }

    /// `split()` at white space.
    static List<String> words(String text, long most, boolean fromEnd) {
        long cuts = most < 0 ? Long.MAX_VALUE : most;
        List<String> parts = new ArrayList<>();
        if (fromEnd) {
            int end = Chars.stripEnd(text).length();
            while (end > 0 && cuts-- > 0) {
                int from = end;
                while (from > 0 && !Chars.isSpace(text.charAt(from - 1))) {
                    from--;
                }
                parts.add(text.substring(from, end));
                end = from;
                while (end > 0 && Chars.isSpace(text.charAt(end - 1))) {
                    end--;
                }
            }
            if (end > 0) {
                parts.add(text.substring(0, end));
            }
            Collections.reverse(parts);
            return parts;
        }
        int at = Chars.skipSpace(text, 0);
        while (at < text.length() && cuts-- > 0) {
            int end = at;
            while (end < text.length() && !Chars.isSpace(text.charAt(end))) {
                end++;
            }
            parts.add(text.substring(at, end));
            at = Chars.skipSpace(text, end);
        }
        if (at < text.length()) {
            parts.add(text.substring(at));
        }
        return parts;
    }

    /// `splitlines`.
    static List<String> lines(String text, boolean keepEnds) {
        List<String> lines = new ArrayList<>();
        int begin = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Chars.isLineEnd(c)) {
                int after = i + 1;
                if (c == '\r' && after < text.length() && text.charAt(after) == '\n') {
                    after++;
                }
                lines.add(text.substring(begin, keepEnds ? after : i));
                begin = after;
                i = after - 1;
            }
        }
        if (begin < text.length()) {
            lines.add(text.substring(begin));
        }
        return lines;
    }

    /// `strip(chars)` at either side; without `chars` it takes white space.
    static String strip(String text, Object chars, boolean start, boolean end) {
        if (Frame.missing(chars) || chars == null) {
            String begun = start ? Chars.stripStart(text) : text;
            return end ? Chars.stripEnd(begun) : begun;
        }
        if (!Texts.isText(chars)) {
            throw JinjaException.type("strip arg must be None or str, not %s", Types.name(chars));
        }
        String set = Texts.of(chars);
        int from = 0;
        int to = text.length();
        while (start && from < to && set.indexOf(text.codePointAt(from)) >= 0) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (end && to > from && set.indexOf(text.codePointBefore(to)) >= 0) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }
}
