package dev.graft.jinja;

import java.math.BigInteger;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/// `str` and `repr` of Python.
final class Repr {
    private Repr() {}

    /// What printing shows.
    static String str(Object value) {
        return switch (value) {
            case String text -> text;
            case Markup markup -> markup.text();
            case Undefined _ -> "";
            case null, default -> repr(value);
        };
    }

    static String repr(Object value) {
        return switch (value) {
            case null -> "None";
            case Boolean b -> b ? "True" : "False";
            case Long number -> number.toString();
            case BigInteger number -> integer(number);
            case Double number -> Floats.repr(number);
            case String text -> quote(text);
            case Markup markup -> "Markup(" + quote(markup.text()) + ")";
            case Undefined _ -> "Undefined";
            case Map<?, ?> map -> dict(map);
            case Range range -> range(range);
            case List<?> list -> joined("[", list, "]");
            case Tuple tuple ->
                    tuple.items().size() == 1
                            ? "(" + repr(tuple.items().getFirst()) + ",)"
                            : joined("(", tuple.items(), ")");
            case Namespace namespace -> "<Namespace " + dict(namespace.attributes()) + ">";
            case DictView view -> Types.name(view) + joined("([", view, "])");
            case LoopContext loop -> loop.described();
            case Macro macro -> macro.described();
            case Generator generator when generator.kind.equals("generator") ->
                    "<generator object>";
            default -> "<" + Types.name(value) + " object>";
        };
    }

    private static String integer(BigInteger number) {
        // Python refuses to write more digits than this
        if (number.bitLength() > 14_280) {
            String digits = number.abs().toString();
            if (digits.length() > 4300) {
                throw JinjaException.value(
                        "Exceeds the limit (4300 digits) for integer string conversion");
            }
        }
        return number.toString();
    }

    private static String range(Range range) {
        return range.step == 1
                ? "range(%d, %d)".formatted(range.start, range.stop)
                : "range(%d, %d, %d)".formatted(range.start, range.stop, range.step);
    }

    private static String joined(String open, Collection<?> items, String close) {
        var out = new StringBuilder(open);
        String separator = "";
        for (Object item : items) {
            out.append(separator).append(repr(item));
            check(out);
            separator = ", ";
        }
        return out.append(close).toString();
    }

    /// A list that holds itself many times over would grow without end.
    private static void check(StringBuilder out) {
        if (out.length() > Limits.DEFAULT.length()) {
            throw JinjaException.limit(
                    "a text of more than %,d characters", Limits.DEFAULT.length());
        }
    }

    private static String dict(Map<?, ?> map) {
        var out = new StringBuilder("{");
        String separator = "";
        for (var entry : map.entrySet()) {
            out.append(separator);
            out.append(repr(entry.getKey())).append(": ").append(repr(entry.getValue()));
            check(out);
            separator = ", ";
        }
        return out.append('}').toString();
    }

    /// A text in quotes: single ones unless it holds some and no double ones.
    static String quote(String text) {
        char mark = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        var out = new StringBuilder(text.length() + 2).append(mark);
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (c == mark || c == '\\') {
                out.append('\\').append((char) c);
            } else if (c >= ' ' && c < 0x7f) {
                out.append((char) c);
            } else {
                unusual(c, out);
            }
        }
        return out.append(mark).toString();
    }

    private static void unusual(int c, StringBuilder out) {
        switch (c) {
            case '\n' -> out.append("\\n");
            case '\r' -> out.append("\\r");
            case '\t' -> out.append("\\t");
            default -> {
                if (Chars.isPrintable(c)) {
                    out.appendCodePoint(c);
                } else {
                    String form = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
                    out.append(form.formatted(c));
                }
            }
        }
    }
}
