package dev.graft.jinja;

/// Texts brought to a width.
final class Padding {
    private Padding() {}

    private static String fill(Object fill) {
        if (Frame.missing(fill)) {
            return " ";
        }
        if (!Texts.isText(fill) || Chars.length(Texts.of(fill)) != 1) {
            throw JinjaException.type("The fill character must be exactly one character long");
        }
        return Texts.of(fill);
    }

    private static long missing(String text, Object width) {
        return Math.max(0, Numbers.index(width) - Chars.length(text));
    }

    static String center(Run run, String text, Object width, Object fill) {
        long pad = missing(text, width);
        long left = pad / 2 + (pad & Numbers.index(width) & 1);
        String with = fill(fill);
        return Arithmetic.repeat(run, with, left) + text + Arithmetic.repeat(run, with, pad - left);
    }

    static String left(Run run, String text, Object width, Object fill) {
        return text + Arithmetic.repeat(run, fill(fill), missing(text, width));
    }

    static String right(Run run, String text, Object width, Object fill) {
        return Arithmetic.repeat(run, fill(fill), missing(text, width)) + text;
    }

    static String zeros(Run run, String text, Object width) {
        String zeros = Arithmetic.repeat(run, "0", missing(text, width));
        boolean signed = text.startsWith("-") || text.startsWith("+");
        return signed ? text.charAt(0) + zeros + text.substring(1) : zeros + text;
    }

    static String tabs(Run run, String text, Object size) {
        long width = Frame.missing(size) ? 8 : Numbers.index(size);
        var out = new StringBuilder();
        long column = 0;
        for (int c : text.codePoints().toArray()) {
            if (c == '\t') {
                long spaces = width <= 0 ? 0 : width - column % width;
                run.append(out, Arithmetic.repeat(run, " ", spaces));
                column += spaces;
            } else {
                out.appendCodePoint(c);
                column = c == '\n' || c == '\r' ? 0 : column + 1;
            }
        }
        return out.toString();
    }
}
