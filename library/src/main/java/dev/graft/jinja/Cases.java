package dev.graft.jinja;

import java.util.Locale;

/// Upper and lower case as Python turns them.
final class Cases {
    private static final int PIECE = 1024;

    private Cases() {}

    /// Piece by piece: the JVM copies the whole text for every letter that becomes two (`ß`).
    static String upper(String text) {
        if (text.length() <= PIECE) {
            return text.toUpperCase(Locale.ROOT);
        }
        var out = new StringBuilder(text.length());
        for (int at = 0; at < text.length(); ) {
            int end = Math.min(at + PIECE, text.length());
            end += end < text.length() && Character.isLowSurrogate(text.charAt(end)) ? 1 : 0;
            out.append(text.substring(at, end).toUpperCase(Locale.ROOT));
            at = end;
        }
        return out.toString();
    }

    static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    private static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    private static String titled(int c) {
        int title = Character.toTitleCase(c);
        String upper = upper(Character.toString(c));
        if (title == c && Chars.length(upper) > 1) {
            int end = upper.offsetByCodePoints(0, 1);
            return upper.substring(0, end) + lower(upper.substring(end));
        }
        return Character.toString(title);
    }

    /// `str.title`: a capital at the beginning of every run of letters.
    static String title(String text) {
        String lower = lower(text);
        if (Chars.length(lower) != Chars.length(text)) {
            lower = text;
        }
        int[] low = lower.codePoints().toArray();
        int[] points = text.codePoints().toArray();
        var out = new StringBuilder(text.length());
        boolean inside = false;
        for (int i = 0; i < points.length; i++) {
            if (inside) {
                out.appendCodePoint(low[i] == points[i] ? Character.toLowerCase(low[i]) : low[i]);
            } else {
                out.append(titled(points[i]));
            }
            inside = isCased(points[i]);
        }
        return out.toString();
    }

    /// `str.capitalize`.
    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int end = text.offsetByCodePoints(0, 1);
        return titled(text.codePointAt(0)) + lower(text.substring(end));
    }

    static String swap(String text) {
        var out = new StringBuilder(text.length());
        text.codePoints()
                .forEach(
                        c -> {
                            String one = Character.toString(c);
                            out.append(Character.isUpperCase(c) ? lower(one) : upper(one));
                        });
        return out.toString();
    }

    static boolean isLower(String text) {
        return text.codePoints().anyMatch(Cases::isCased)
                && text.codePoints()
                        .noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Cases::isCased)
                && text.codePoints()
                        .noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    static boolean isTitle(String text) {
        boolean inside = false;
        boolean found = false;
        for (int c : text.codePoints().toArray()) {
            boolean capital = Character.isUpperCase(c) || Character.isTitleCase(c);
            if (capital ? inside : Character.isLowerCase(c) && !inside) {
                return false;
            }
            inside = isCased(c);
            found |= inside;
        }
        return found;
    }
}
