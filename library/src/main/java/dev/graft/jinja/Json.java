package dev.graft.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// `json.dumps` of Python, as Transformers sets the filter `tojson`.
final class Json {
    private final Run run;
    private final boolean ascii;
    private final String indent;
    private final String between;
    private final String colon;
    private final boolean sorts;
    private final StringBuilder out = new StringBuilder();
    private int depth;

    private Json(
            Run run, boolean ascii, String indent, String between, String colon, boolean sorts) {
        this.run = run;
        this.ascii = ascii;
        this.indent = indent;
        this.between = between;
        this.colon = colon;
        this.sorts = sorts;
    }

    /// @param a the value, `ensure_ascii`, `indent`, `separators`, `sort_keys`
    static Object filter(Run run, Object[] a) {
        Object indent = Filters.given(a[2], null);
        Object separators = Filters.given(a[3], null);
        String between = indent == null ? ", " : ",";
        String colon = ": ";
        if (separators != null) {
            var pair = Unpack.exactly(separators, 2);
            between = Texts.of(pair.get(0));
            colon = Texts.of(pair.get(1));
        }
        String by =
                indent == null
                        ? null
                        : Texts.isText(indent)
                                ? Texts.of(indent)
                                : Arithmetic.repeat(run, " ", Math.max(0, Numbers.index(indent)));
        var json = new Json(run, Filters.flag(a[1]), by, between, colon, Filters.flag(a[4]));
        json.write(a[0]);
        return json.out.toString();
    }

    /// A text with everything outside ASCII as escapes of Python.
    static String ascii(String text) {
        var out = new StringBuilder();
        text.codePoints()
                .forEach(
                        c -> {
                            if (c < 0x80) {
                                out.append((char) c);
                            } else {
                                String form =
                                        c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
                                out.append(form.formatted(c));
                            }
                        });
        return out.toString();
    }

    private void put(String text) {
        run.append(out, text);
    }

    private void write(Object value) {
        switch (value) {
            case null -> put("null");
            case String text -> quote(text);
            case Markup markup -> quote(markup.text());
            case Boolean b -> put(b ? "true" : "false");
            case Long number -> put(number.toString());
            case BigInteger number -> put(Repr.repr(number));
            case Double number -> put(real(number));
            case Map<?, ?> map -> dict(map);
            case Range range -> throw refused(range);
            case List<?> list -> items(list);
            case Tuple tuple -> items(tuple.items());
            default -> throw refused(value);
        }
    }

    private static JinjaException refused(Object value) {
        return JinjaException.type("Object of type %s is not JSON serializable", Types.name(value));
    }

    private static String real(double number) {
        if (Double.isNaN(number)) {
            return "NaN";
        }
        if (Double.isInfinite(number)) {
            return number > 0 ? "Infinity" : "-Infinity";
        }
        return Floats.repr(number);
    }

    private void items(List<?> items) {
        if (items.isEmpty()) {
            put("[]");
            return;
        }
        open("[");
        boolean first = true;
        for (Object item : items) {
            separate(first);
            first = false;
            write(item);
        }
        close("]");
    }

    private void dict(Map<?, ?> map) {
        if (map.isEmpty()) {
            put("{}");
            return;
        }
        open("{");
        boolean first = true;
        for (Object pair : entries(map)) {
            var entry = (Tuple) pair;
            separate(first);
            first = false;
            quote(key(entry.items().get(0)));
            put(colon);
            write(entry.items().get(1));
        }
        close("}");
    }

    private List<Object> entries(Map<?, ?> map) {
        List<Object> entries = new ArrayList<>(new DictView(DictView.Part.ITEMS, map));
        if (sorts) {
            entries.sort(
                    (x, y) ->
                            Comparison.order(
                                    ((Tuple) x).items().getFirst(),
                                    ((Tuple) y).items().getFirst()));
        }
        return entries;
    }

    private static String key(Object key) {
        return switch (key) {
            case String text -> text;
            case Markup markup -> markup.text();
            case null -> "null";
            case Boolean b -> b ? "true" : "false";
            case Double number -> real(number);
            case Long number -> number.toString();
            case BigInteger number -> Repr.repr(number);
            default ->
                    throw JinjaException.type(
                            "keys must be str, int, float, bool or None, not %s", Types.name(key));
        };
    }

    private void open(String bracket) {
        put(bracket);
        depth++;
        if (depth > 900) {
            throw JinjaException.runtime("maximum recursion depth exceeded");
        }
        newline();
    }

    private void close(String bracket) {
        depth--;
        newline();
        put(bracket);
    }

    private void separate(boolean first) {
        if (!first) {
            put(between);
            newline();
        }
    }

    private void newline() {
        if (indent != null) {
            put("\n");
            put(Arithmetic.repeat(run, indent, depth));
        }
    }

    private void quote(String text) {
        run.make(text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < ' ' || (ascii && c > '~')) {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
