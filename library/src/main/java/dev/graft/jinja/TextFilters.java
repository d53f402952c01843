package dev.graft.jinja;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// The filters that make texts.
final class TextFilters {
    private static final Pattern WORD_START =
            Pattern.compile(
                    "[-\\s({\\[<\\x1c-\\x1f\\x85\\u00a0\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+");
    private static final Pattern ATTRIBUTE_NAME = Pattern.compile("[\\s/>=]");

    private TextFilters() {}

    static void register(Filters filters) {
        filters.add("upper", "s", (run, a) -> method(run, a[0], "upper"));
        filters.add("lower", "s", (run, a) -> method(run, a[0], "lower"));
        filters.add("capitalize", "s", (run, a) -> method(run, a[0], "capitalize"));
        filters.add("title", "s", (run, a) -> run.made(title(Texts.of(Texts.soft(a[0])))));
        filters.add("trim", "value chars?", TextFilters::trim);
        filters.add(
                "center",
                "value width?",
                (run, a) -> method(run, a[0], "center", Filters.given(a[1], 80L)));
        filters.add("string", "/object", (_, a) -> Texts.soft(a[0]));
        filters.add("safe", "value", (_, a) -> safe(a[0]));
        filters.add("escape", "/s", (run, a) -> escape(run, a[0]));
        filters.add("e", "/s", (run, a) -> escape(run, a[0]));
        filters.add("forceescape", "value", (_, a) -> Markup.escape(Repr.str(a[0])));
        filters.add("replace", "s old new count?", TextFilters::replace);
        filters.add("indent", "s width? first? blank?", TextFilters::indent);
        filters.add("truncate", "s length? killwords? end? leeway?", TextFilters::truncate);
        filters.add(
                "wordwrap",
                "s width? break_long_words? wrapstring? break_on_hyphens?",
                TextWrap::filter);
        filters.add("wordcount", "s", (_, a) -> wordCount(Texts.of(Texts.soft(a[0]))));
        filters.raw("format", TextFilters::format);
        filters.add("urlencode", "value", (run, a) -> run.made(urlEncode(a[0])));
        filters.add(
                "urlize",
                "value trim_url_limit? nofollow? target? rel? extra_schemes?",
                Urlize::filter);
        filters.add("xmlattr", "d autospace?", TextFilters::xmlAttributes);
        filters.add("striptags", "value", (run, a) -> run.made(Entities.stripTags(Repr.str(a[0]))));
        filters.add("pprint", "value", (run, a) -> run.made(PrettyPrint.of(a[0])));
        filters.add(
                "tojson",
                "x ensure_ascii? indent? separators? sort_keys?",
                (run, a) -> Json.filter(run, a));
    }

    private static Object method(Run run, Object value, String name, Object... arguments) {
        return ((Callable) Attributes.get(Texts.soft(value), name))
                .call(run, new Arguments(Arrays.asList(arguments), Map.of()));
    }

    private static Object trim(Run run, Object[] a) {
        Object text = Texts.soft(a[0]);
        return Texts.like(text, run.made(Split.strip(Texts.of(text), a[1], true, true)));
    }

    private static Object safe(Object value) {
        return value instanceof Markup ? value : new Markup(Repr.str(value));
    }

    private static Object escape(Run run, Object value) {
        var escaped = Markup.escape(value);
        run.make(escaped.text().length());
        return escaped;
    }

    /// A capital at the beginning of every word, as Jinja2 cuts words.
    private static String title(String text) {
        var out = new StringBuilder();
        int at = 0;
        var gap = WORD_START.matcher(text);
        while (at < text.length()) {
            int end = gap.find(at) ? gap.start() : text.length();
            if (end > at) {
                int first = text.offsetByCodePoints(at, 1);
                out.append(Cases.upper(text.substring(at, first)));
                out.append(Cases.lower(text.substring(first, end)));
            }
            at = end;
            if (end < text.length()) {
                out.append(gap.group());
                at = gap.end();
            }
        }
        return out.toString();
    }

    private static Object replace(Run run, Object[] a) {
        long count = Frame.missing(a[3]) || a[3] == null ? -1 : Numbers.index(a[3]);
        String text = Repr.str(a[0]);
        if (!run.escapes) {
            return Search.replace(run, text, Repr.str(a[1]), Repr.str(a[2]), count);
        }
        boolean marks =
                a[1] instanceof Markup || (a[2] instanceof Markup && !(a[0] instanceof Markup));
        Object self = marks ? Markup.escape(a[0]) : Texts.soft(a[0]);
        String with = self instanceof Markup ? Markup.escape(a[2]).text() : Repr.str(a[2]);
        return Texts.like(self, Search.replace(run, Texts.of(self), Repr.str(a[1]), with, count));
    }

    private static Object indent(Run run, Object[] a) {
        Object width = Filters.given(a[1], 4L);
        if (Numbers.isNumber(a[0]) || a[0] == null || a[0] instanceof Map<?, ?>) {
            throw JinjaException.type(
                    "unsupported operand type(s) for +=: '%s' and 'str'", Types.name(a[0]));
        }
        String text = lined(a[0]);
        String by =
                Texts.isText(width)
                        ? Texts.of(width)
                        : Arithmetic.repeat(run, " ", Numbers.index(width));
        boolean blank = Filters.flag(a[3]);
        var out = new StringBuilder(Filters.flag(a[2]) ? by : "");
        boolean first = true;
        for (String line : Split.lines(text + "\n", false)) {
            if (!first) {
                run.append(out, "\n");
                run.append(out, blank || !line.isEmpty() ? by : "");
            }
            run.append(out, line);
            first = false;
        }
        return Texts.like(a[0], out.toString());
    }

    /// A text that is about to be cut into lines.
    static String lined(Object value) {
        if (value instanceof Undefined || Texts.isText(value)) {
            return Texts.of(value);
        }
        throw JinjaException.runtime(
                "'%s' object has no attribute 'splitlines'", Types.name(value));
    }

    private static Object truncate(Run run, Object[] a) {
        long length = Frame.missing(a[1]) ? 255 : Numbers.index(a[1]);
        String end = Frame.missing(a[3]) ? "..." : Texts.of(a[3]);
        long leeway = Frame.missing(a[4]) || a[4] == null ? 5 : Numbers.index(a[4]);
        long room = length - Chars.length(end);
        if (room < 0 || leeway < 0) {
            throw JinjaException.runtime(
                    "expected length >= %d and leeway >= 0, got %d and %d",
                    Chars.length(end), length, leeway);
        }
        if (Sequences.length(a[0]) <= length + leeway) {
            return a[0];
        }
        String text = Texts.of(a[0]);
        String cut = text.substring(0, text.offsetByCodePoints(0, (int) room));
        if (!Filters.flag(a[2])) {
            int space = cut.lastIndexOf(' ');
            cut = space < 0 ? cut : cut.substring(0, space);
        }
        return Texts.like(a[0], run.made(cut + end));
    }

    private static long wordCount(String text) {
        long count = 0;
        boolean inside = false;
        for (int c : text.codePoints().toArray()) {
            boolean word = Chars.isWord(c);
            count += word && !inside ? 1 : 0;
            inside = word;
        }
        return count;
    }

    private static Object format(Run run, Arguments arguments) {
        if (arguments.positional().size() > 1 && !arguments.named().isEmpty()) {
            throw JinjaException.runtime(
                    "can't handle positional and keyword arguments at the same time");
        }
        Object values =
                arguments.named().isEmpty()
                        ? new Tuple(arguments.without(1).positional())
                        : arguments.named();
        return PercentFormat.format(run, Texts.soft(arguments.first()), values);
    }

    private static String urlEncode(Object value) {
        if (Texts.isText(value) || !Sequences.iterable(value)) {
            return quote(Repr.str(value), "/");
        }
        Iterator<?> pairs =
                value instanceof Map<?, ?> map
                        ? new DictView(DictView.Part.ITEMS, map).iterator()
                        : Sequences.iterate(value);
        List<String> parts = new ArrayList<>();
        while (pairs.hasNext()) {
            var pair = Unpack.exactly(pairs.next(), 2);
            parts.add(query(pair.get(0)) + "=" + query(pair.get(1)));
        }
        return String.join("&", parts);
    }

    private static String query(Object value) {
        return quote(Repr.str(value), "").replace("%20", "+");
    }

    private static String quote(String text, String safe) {
        var out = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain =
                    c < 0x80
                            && (Character.isLetterOrDigit(c)
                                    || "_.-~".indexOf(c) >= 0
                                    || safe.indexOf(c) >= 0);
            out.append(plain ? String.valueOf(c) : "%%%02X".formatted((int) c));
        }
        return out.toString();
    }

    private static Object xmlAttributes(Run run, Object[] a) {
        if (!(a[0] instanceof Map<?, ?> map)) {
            throw a[0] instanceof Undefined undefined
                    ? undefined.error()
                    : JinjaException.runtime(
                            "'%s' object has no attribute 'items'", Types.name(a[0]));
        }
        List<String> parts = new ArrayList<>();
        for (var entry : map.entrySet()) {
            if (entry.getValue() == null || entry.getValue() instanceof Undefined) {
                continue;
            }
            String key = Texts.of(entry.getKey());
            if (ATTRIBUTE_NAME.matcher(key).find()) {
                throw JinjaException.value(
                        "Invalid character in attribute name: %s", Repr.quote(key));
            }
            String value = Markup.escape(entry.getValue()).text();
            parts.add(Markup.escape(key).text() + "=\"" + value + "\"");
        }
        boolean space = Frame.missing(a[1]) || Truth.of(a[1]);
        String text = (space && !parts.isEmpty() ? " " : "") + String.join(" ", parts);
        run.make(text.length());
        return run.escapes ? new Markup(text) : text;
    }
}
