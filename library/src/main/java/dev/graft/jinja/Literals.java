package dev.graft.jinja;

/// The escapes of a string literal, as Python's `unicode-escape` codec reads them.
final class Literals {
    private final String text;
    private final int line;
    private final StringBuilder out = new StringBuilder();
    private int at;

    private Literals(String text, int line) {
        this.text = text;
        this.line = line;
    }

    static String unescape(String text, int line) {
        return text.indexOf('\\') < 0 ? text : new Literals(text, line).read();
    }

    private String read() {
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c != '\\') {
                out.append(c);
            } else if (at == text.length()) {
                throw JinjaException.syntax(line, "\\ at end of string");
            } else {
                escape(text.codePointAt(at));
            }
        }
        return out.toString();
    }

    private void escape(int c) {
        at += Character.charCount(c);
        switch (c) {
            case '\n' -> {}
            case '\\', '\'', '"' -> out.append((char) c);
            case 'a' -> out.append('\u0007');
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'n' -> out.append('\n');
            case 'r' -> out.append('\r');
            case 't' -> out.append('\t');
            case 'v' -> out.append('\u000b');
            case 'x' -> hex(c, 2);
            case 'u' -> hex(c, 4);
            case 'U' -> hex(c, 8);
            case 'N' -> named();
            case '0', '1', '2', '3', '4', '5', '6', '7' -> octal();
            default -> literal(c);
        }
    }

    /// An escape that does not exist stands for itself. Jinja2 passes through ASCII first, so
    /// that a character outside of it has become an escape by then, whose backslash is escaped.
    private void literal(int c) {
        out.append('\\');
        if (c < 0x80) {
            out.append((char) c);
        } else if (c < 0x100) {
            out.append("x%02x".formatted(c));
        } else if (c < 0x10000) {
            out.append("u%04x".formatted(c));
        } else {
            out.append("U%08x".formatted(c));
        }
    }

    /// So many digits behind a letter; errors are worded as Python's.
    private void hex(int letter, int digits) {
        int end = at + digits;
        if (end > text.length() || !text.substring(at, end).matches("[0-9a-fA-F]+")) {
            throw JinjaException.syntax(
                    line, "truncated \\%c%s escape", letter, "X".repeat(digits));
        }
        long code = Long.parseLong(text.substring(at, end), 16);
        if (code > Character.MAX_CODE_POINT) {
            throw JinjaException.syntax(line, "illegal Unicode character");
        }
        out.appendCodePoint((int) code);
        at = end;
    }

    private void octal() {
        int code = 0;
        at--;
        for (int i = 0; i < 3 && at < text.length(); i++, at++) {
            int digit = text.charAt(at) - '0';
            if (digit < 0 || digit > 7) {
                break;
            }
            code = code * 8 + digit;
        }
        out.append((char) code);
    }

    private void named() {
        int end = text.indexOf('}', at);
        if (at >= text.length() || text.charAt(at) != '{' || end < 0) {
            throw JinjaException.syntax(line, "malformed \\N character escape");
        }
        try {
            out.appendCodePoint(Character.codePointOf(text.substring(at + 1, end)));
        } catch (IllegalArgumentException e) {
            throw JinjaException.syntax(line, "unknown Unicode character name");
        }
        at = end + 1;
    }
}
