package dev.graft.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/// The methods of texts, in code points as Python counts them.
final class StringMethods {
    static final Map<String, BoundMethod.Method> ALL = methods();

    private StringMethods() {}

    private interface Part {
        Object of(Run run, String text, Object[] arguments);
    }

    private interface Change {
        String of(Run run, String text, Object[] arguments);
    }

    private static Map<String, BoundMethod.Method> methods() {
        Map<String, BoundMethod.Method> all = new HashMap<>();
        cases(all);
        searches(all);
        pieces(all);
        paddings(all);
        classes(all);
        refusals(all);
        return Map.copyOf(all);
    }

    /// A method that gives a text, marked safe as its own is.
    private static void change(
            Map<String, BoundMethod.Method> all, String name, String parameters, Change body) {
        add(
                all,
                name,
                parameters,
                (run, self, a) -> Texts.like(self, run.made(body.of(run, Texts.of(self), a))));
    }

    private static void part(
            Map<String, BoundMethod.Method> all, String name, String parameters, Part body) {
        add(all, name, parameters, (run, self, a) -> body.of(run, Texts.of(self), a));
    }

    private static void add(
            Map<String, BoundMethod.Method> all,
            String name,
            String parameters,
            BoundMethod.Method.Body body) {
        all.put(name, new BoundMethod.Method(name, Signature.of(name, parameters), body));
    }

    private static void cases(Map<String, BoundMethod.Method> all) {
        change(all, "upper", "/", (_, text, _) -> Cases.upper(text));
        change(all, "lower", "/", (_, text, _) -> Cases.lower(text));
        change(all, "casefold", "/", (_, text, _) -> Cases.lower(Cases.upper(text)));
        change(all, "title", "/", (_, text, _) -> Cases.title(text));
        change(all, "capitalize", "/", (_, text, _) -> Cases.capitalize(text));
        change(all, "swapcase", "/", (_, text, _) -> Cases.swap(text));
    }

    private static void searches(Map<String, BoundMethod.Method> all) {
        String where = "/sub start? end?";
        part(all, "find", where, (_, text, a) -> Search.of(text, a).first());
        part(all, "rfind", where, (_, text, a) -> Search.of(text, a).last());
        part(all, "index", where, (_, text, a) -> found(Search.of(text, a).first()));
        part(all, "rindex", where, (_, text, a) -> found(Search.of(text, a).last()));
        part(all, "count", where, (_, text, a) -> Search.of(text, a).count());
        part(all, "startswith", where, (_, text, a) -> affix("startswith", text, a));
        part(all, "endswith", where, (_, text, a) -> affix("endswith", text, a));
        change(
                all,
                "removeprefix",
                "/prefix",
                (_, text, a) ->
                        text.startsWith(Texts.of(a[0]))
                                ? text.substring(Texts.of(a[0]).length())
                                : text);
        change(
                all,
                "removesuffix",
                "/suffix",
                (_, text, a) ->
                        text.endsWith(Texts.of(a[0]))
                                ? text.substring(0, text.length() - Texts.of(a[0]).length())
                                : text);
        add(all, "replace", "/old new count?", StringMethods::replace);
    }

    private static Object found(long index) {
        if (index < 0) {
            throw JinjaException.value("substring not found");
        }
        return index;
    }

    private static Object affix(String method, String text, Object[] a) {
        List<?> options =
                a[0] instanceof Tuple(var items) ? items : Collections.singletonList(a[0]);
        for (Object option : options) {
            if (!Texts.isText(option)) {
                throw JinjaException.type(
                        "%s first arg must be str or a tuple of str, not %s",
                        method, Types.name(option));
            }
            var search = Search.of(text, new Object[] {option, a[1], a[2]});
            if (method.equals("startswith") ? search.begins() : search.ends()) {
                return true;
            }
        }
        return false;
    }

    private static Object replace(Run run, Object self, Object[] a) {
        long count = Frame.missing(a[2]) ? -1 : Numbers.index(a[2]);
        String with = self instanceof Markup ? Markup.escape(a[1]).text() : Texts.of(a[1]);
        return Texts.like(self, Search.replace(run, Texts.of(self), Texts.of(a[0]), with, count));
    }

    private static void pieces(Map<String, BoundMethod.Method> all) {
        String how = "sep? maxsplit?";
        add(all, "split", how, (run, self, a) -> split(run, self, a, false));
        add(all, "rsplit", how, (run, self, a) -> split(run, self, a, true));
        add(
                all,
                "splitlines",
                "keepends?",
                (run, self, a) -> {
                    boolean keeps = !Frame.missing(a[0]) && Truth.of(a[0]);
                    return like(run, self, Split.lines(Texts.of(self), keeps));
                });
        add(all, "partition", "/sep", (_, self, a) -> partition(self, Texts.of(a[0]), false));
        add(all, "rpartition", "/sep", (_, self, a) -> partition(self, Texts.of(a[0]), true));
        add(all, "join", "/iterable", StringMethods::join);
        change(all, "strip", "/chars?", (_, text, a) -> Split.strip(text, a[0], true, true));
        change(all, "lstrip", "/chars?", (_, text, a) -> Split.strip(text, a[0], true, false));
        change(all, "rstrip", "/chars?", (_, text, a) -> Split.strip(text, a[0], false, true));
    }

    private static Object split(Run run, Object self, Object[] a, boolean fromEnd) {
        long most = Frame.missing(a[1]) ? -1 : Numbers.index(a[1]);
        String text = Texts.of(self);
        if (Frame.missing(a[0]) || a[0] == null) {
            return like(run, self, Split.words(text, most, fromEnd));
        }
        String separator = Texts.of(a[0]);
        if (separator.isEmpty()) {
            throw JinjaException.value("empty separator");
        }
        return like(run, self, Split.at(text, separator, most, fromEnd));
    }

    private static List<Object> like(Run run, Object self, List<String> parts) {
        run.makeItems(parts.size());
        run.make(Texts.of(self).length());
        List<Object> all = new ArrayList<>(parts.size());
        parts.forEach(part -> all.add(Texts.like(self, part)));
        return all;
    }

    private static Object partition(Object self, String separator, boolean fromEnd) {
        if (separator.isEmpty()) {
            throw JinjaException.value("empty separator");
        }
        String text = Texts.of(self);
        int at =
                fromEnd
                        ? Needle.lastIndexOf(text, separator, text.length())
                        : Needle.indexOf(text, separator, 0);
        if (at < 0) {
            String head = fromEnd ? "" : text;
            String tail = fromEnd ? text : "";
            return Tuple.of(Texts.like(self, head), Texts.like(self, ""), Texts.like(self, tail));
        }
        return Tuple.of(
                Texts.like(self, text.substring(0, at)),
                Texts.like(self, separator),
                Texts.like(self, text.substring(at + separator.length())));
    }

    private static Object join(Run run, Object self, Object[] a) {
        var out = new StringBuilder();
        Iterator<?> items = Sequences.iterate(a[0]);
        for (int i = 0; items.hasNext(); i++) {
            Object item = items.next();
            if (i > 0) {
                run.append(out, Texts.of(self));
            }
            if (self instanceof Markup) {
                run.append(out, Markup.escape(item).text());
            } else if (Texts.isText(item)) {
                run.append(out, Texts.of(item));
            } else {
                throw JinjaException.type(
                        "sequence item %d: expected str instance, %s found", i, Types.name(item));
            }
        }
        return Texts.like(self, out.toString());
    }

    private static void paddings(Map<String, BoundMethod.Method> all) {
        String how = "/width fillchar?";
        change(all, "center", how, (run, text, a) -> Padding.center(run, text, a[0], a[1]));
        change(all, "ljust", how, (run, text, a) -> Padding.left(run, text, a[0], a[1]));
        change(all, "rjust", how, (run, text, a) -> Padding.right(run, text, a[0], a[1]));
        change(all, "zfill", "/width", (run, text, a) -> Padding.zeros(run, text, a[0]));
        change(all, "expandtabs", "tabsize?", (run, text, a) -> Padding.tabs(run, text, a[0]));
    }

    private static void classes(Map<String, BoundMethod.Method> all) {
        test(all, "isalpha", Character::isLetter);
        test(all, "isalnum", Chars::isAlphanumeric);
        test(all, "isdecimal", Chars::isDecimal);
        test(all, "isdigit", Chars::isDigit);
        test(all, "isnumeric", Chars::isNumeric);
        test(all, "isspace", Chars::isSpace);
        part(
                all,
                "isprintable",
                "/",
                (_, text, _) -> text.codePoints().allMatch(Chars::isPrintable));
        part(all, "isascii", "/", (_, text, _) -> text.codePoints().allMatch(c -> c < 128));
        part(all, "islower", "/", (_, text, _) -> Cases.isLower(text));
        part(all, "isupper", "/", (_, text, _) -> Cases.isUpper(text));
        part(all, "istitle", "/", (_, text, _) -> Cases.isTitle(text));
        part(all, "isidentifier", "/", (_, text, _) -> text.matches("(?U)[\\p{L}\\p{Nl}_][\\w]*"));
    }

    private static void test(
            Map<String, BoundMethod.Method> all, String name, IntPredicate belongs) {
        part(
                all,
                name,
                "/",
                (_, text, _) -> !text.isEmpty() && text.codePoints().allMatch(belongs));
    }

    private static void refusals(Map<String, BoundMethod.Method> all) {
        for (String name : List.of("encode", "maketrans", "translate")) {
            part(
                    all,
                    name,
                    "a? b? c?",
                    (_, _, _) -> {
                        throw JinjaException.runtime("str.%s is not there in templates", name);
                    });
        }
    }
}
