package dev.graft.jinja;

/// Characters as Python classes them.
final class Chars {
    private Chars() {}

    /// `str.isspace` of one code point.
    static boolean isSpace(int c) {
        if (c < 0x80) {
            return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
        }
        return c == 0x85
                || c == 0xa0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200a)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202f
                || c == 0x205f
                || c == 0x3000;
    }

    /// Where `str.splitlines` ends a line.
    static boolean isLineEnd(int c) {
        return (c >= 10 && c <= 13)
                || (c >= 0x1c && c <= 0x1e)
                || c == 0x85
                || c == 0x2028
                || c == 0x2029;
    }

    /// `\w` of Python's regular expressions.
    static boolean isWord(int c) {
        return c == '_' || isAlphanumeric(c);
    }

    /// `str.isalnum` of one code point.
    static boolean isAlphanumeric(int c) {
        return Character.isLetter(c) || isNumeric(c);
    }

    /// `str.isdecimal` of one code point.
    static boolean isDecimal(int c) {
        return Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER;
    }

    /// `str.isdigit` of one code point: decimals, superscripts and circled digits.
    static boolean isDigit(int c) {
        if (isDecimal(c)) {
            return true;
        }
        return c == 0xb2
                || c == 0xb3
                || c == 0xb9
                || (c >= 0x1369 && c <= 0x1371)
                || c == 0x19da
                || c == 0x2070
                || (c >= 0x2074 && c <= 0x2079)
                || (c >= 0x2080 && c <= 0x2089)
                || (c >= 0x2460 && c <= 0x2468)
                || (c >= 0x2474 && c <= 0x247c)
                || (c >= 0x2488 && c <= 0x2490)
                || c == 0x24ea
                || (c >= 0x24f5 && c <= 0x24fd)
                || c == 0x24ff
                || (c >= 0x2776 && c <= 0x277e)
                || (c >= 0x2780 && c <= 0x2788)
                || (c >= 0x278a && c <= 0x2792);
    }

    /// `str.isnumeric` of one code point, but for ideographs that are numbers.
    static boolean isNumeric(int c) {
        int type = Character.getType(c);
        return type == Character.DECIMAL_DIGIT_NUMBER
                || type == Character.LETTER_NUMBER
                || type == Character.OTHER_NUMBER;
    }

    /// `str.isprintable` of one code point: what `repr` shows as it is.
    static boolean isPrintable(int c) {
        if (c == ' ') {
            return true;
        }
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SPACE_SEPARATOR ->
                    false;
            default -> true;
        };
    }

    /// The index after the white space that begins at `from`.
    static int skipSpace(String text, int from) {
        int at = from;
        while (at < text.length() && isSpace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    /// `str.rstrip`.
    static String stripEnd(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    /// `str.lstrip`.
    static String stripStart(String text) {
        return text.substring(skipSpace(text, 0));
    }

    /// `str.strip`.
    static String strip(String text) {
        return stripStart(stripEnd(text));
    }

    /// Whether every character stands for itself, so that indices are those of Python.
    static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    /// `len` of a text.
    static int length(String text) {
        return text.codePointCount(0, text.length());
    }
}
