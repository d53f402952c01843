package dev.graft.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/// The filters over lists and dicts.
final class SequenceFilters {
    private SequenceFilters() {}

    static void register(Filters filters) {
        filters.add("list", "value", (run, a) -> Sequences.list(run, a[0]));
        filters.add("first", "seq", (_, a) -> first(a[0]));
        filters.add("last", "seq", (run, a) -> last(run, a[0]));
        filters.add("random", "seq", (_, a) -> random(a[0]));
        filters.add("join", "value d? attribute?", SequenceFilters::join);
        filters.add("reverse", "value", (run, a) -> reverse(run, a[0]));
        filters.add("sort", "value reverse? case_sensitive? attribute?", SequenceFilters::sort);
        filters.add("dictsort", "value case_sensitive? by? reverse?", SequenceFilters::dictSort);
        filters.add("unique", "value case_sensitive? attribute?", SequenceFilters::unique);
        filters.add("min", "value case_sensitive? attribute?", (_, a) -> extreme(a, -1));
        filters.add("max", "value case_sensitive? attribute?", (_, a) -> extreme(a, 1));
        filters.add("sum", "iterable attribute? start?", SequenceFilters::sum);
        filters.add(
                "groupby", "value attribute default? case_sensitive?", SequenceFilters::groupBy);
        filters.add("items", "value", (_, a) -> items(a[0]));
        filters.add("batch", "value linecount fill_with?", SequenceFilters::batch);
        filters.add("slice", "value slices fill_with?", SequenceFilters::slice);
        filters.add("attr", "obj name", (_, a) -> attribute(a));
    }

    private static Object first(Object value) {
        Iterator<?> each = Sequences.iterate(value);
        return each.hasNext()
                ? each.next()
                : Undefined.because("No first item, sequence was empty.");
    }

    private static Object last(Run run, Object value) {
        Iterator<?> each = backwards(run, value);
        return each.hasNext()
                ? each.next()
                : Undefined.because("No last item, sequence was empty.");
    }

    private static Iterator<?> backwards(Run run, Object value) {
        if (value instanceof Generator || value instanceof LoopContext) {
            throw JinjaException.type("'%s' object is not reversible", Types.name(value));
        }
        List<Object> items = Sequences.list(run, value);
        Collections.reverse(items);
        return items.iterator();
    }

    /// The same item every time, so that a rendering can be repeated.
    private static Object random(Object value) {
        long size = Sequences.length(value);
        return size == 0
                ? Undefined.because("No random item, sequence was empty.")
                : Attributes.item(value, size / 2);
    }

    private static Object join(Run run, Object[] a) {
        var getter = Getter.of(Frame.missing(a[2]) ? null : a[2], null, false);
        Object separator = Filters.given(a[1], "");
        if (run.escapes) {
            return joinMarked(run, a[0], separator, getter);
        }
        String between = Repr.str(separator);
        var out = new StringBuilder();
        Iterator<?> each = Sequences.iterate(a[0]);
        for (boolean first = true; each.hasNext(); first = false) {
            if (!first) {
                run.append(out, between);
            }
            run.append(out, Repr.str(getter.apply(each.next())));
        }
        return out.toString();
    }

    private static Object joinMarked(
            Run run, Object value, Object separator, UnaryOperator<Object> getter) {
        List<Object> items = Sequences.list(run, value);
        items.replaceAll(getter);
        boolean marked =
                separator instanceof Markup || items.stream().anyMatch(Markup.class::isInstance);
        List<String> parts = new ArrayList<>();
        items.forEach(item -> parts.add(marked ? Markup.escape(item).text() : Repr.str(item)));
        String between = marked ? Markup.escape(separator).text() : Repr.str(separator);
        String text = run.made(String.join(between, parts));
        return marked ? new Markup(text) : text;
    }

    private static Object reverse(Run run, Object value) {
        if (Texts.isText(value)) {
            String text = Texts.of(value);
            int[] points = text.codePoints().toArray();
            var out = new StringBuilder(text.length());
            for (int i = points.length - 1; i >= 0; i--) {
                out.appendCodePoint(points[i]);
            }
            return Texts.like(value, run.made(out.toString()));
        }
        if (!Sequences.iterable(value)) {
            throw JinjaException.runtime("argument must be iterable");
        }
        if (value instanceof Generator) {
            List<Object> items = Sequences.list(run, value);
            Collections.reverse(items);
            return items;
        }
        String kind =
                value instanceof List<?> && !(value instanceof Range)
                        ? "list_reverseiterator"
                        : value instanceof Tuple
                                ? "reversed"
                                : value instanceof Range
                                        ? "range_iterator"
                                        : "dict_reversekeyiterator";
        return new Generator(kind, () -> backwards(run, value));
    }

    private static Object sort(Run run, Object[] a) {
        List<Object> items = Sequences.list(run, a[0]);
        Object attribute = Frame.missing(a[3]) ? null : a[3];
        var getter = Getter.several(attribute, !Filters.flag(a[2]));
        return sorted(run, items, getter, Filters.flag(a[1]));
    }

    /// Sorted by a key; equal ones keep their order, also when reversed.
    private static List<Object> sorted(
            Run run, List<Object> items, UnaryOperator<Object> key, boolean reverse) {
        record Keyed(Object key, Object item) {}
        List<Keyed> keyed = new ArrayList<>(items.size());
        items.forEach(item -> keyed.add(new Keyed(key.apply(item), item)));
        Comparator<Keyed> order =
                (x, y) -> {
                    run.step();
                    return Comparison.order(x.key, y.key);
                };
        keyed.sort(reverse ? order.reversed() : order);
        List<Object> sorted = new ArrayList<>(items.size());
        keyed.forEach(one -> sorted.add(one.item));
        return sorted;
    }

    private static Object dictSort(Run run, Object[] a) {
        Object by = Filters.given(a[2], "key");
        boolean byKey = Comparison.equal(by, "key");
        if (!byKey && !Comparison.equal(by, "value")) {
            throw JinjaException.runtime("You can only sort by either \"key\" or \"value\"");
        }
        if (!(a[0] instanceof Map<?, ?> map)) {
            throw a[0] instanceof Undefined undefined
                    ? undefined.error()
                    : JinjaException.runtime(
                            "'%s' object has no attribute 'items'", Types.name(a[0]));
        }
        boolean folds = !Filters.flag(a[1]);
        var items = Sequences.list(run, new DictView(DictView.Part.ITEMS, map));
        return sorted(
                run,
                items,
                pair -> {
                    Object key = ((Tuple) pair).items().get(byKey ? 0 : 1);
                    return folds ? Getter.folded(key) : key;
                },
                Filters.flag(a[3]));
    }

    private static Object unique(Run run, Object[] a) {
        Object attribute = Frame.missing(a[2]) ? null : a[2];
        var getter = Getter.of(attribute, null, !Filters.flag(a[1]));
        return new Generator(
                "generator",
                () -> {
                    Set<Object> seen = new HashSet<>();
                    return new Selecting(
                            run,
                            Sequences.iterate(a[0]),
                            item -> seen.add(Comparison.hash(getter.apply(item))));
                });
    }

    private static Object extreme(Object[] a, int sign) {
        Iterator<?> each = Sequences.iterate(a[0]);
        if (!each.hasNext()) {
            return Undefined.because("No aggregated item, sequence was empty.");
        }
        Object attribute = Frame.missing(a[2]) ? null : a[2];
        var getter = Getter.of(attribute, null, !Filters.flag(a[1]));
        Object best = each.next();
        Object bestKey = getter.apply(best);
        while (each.hasNext()) {
            Object item = each.next();
            Object key = getter.apply(item);
            if (Comparison.compare(sign < 0 ? "<" : ">", key, bestKey)) {
                best = item;
                bestKey = key;
            }
        }
        return best;
    }

    private static Object sum(Run run, Object[] a) {
        var getter = Getter.of(Frame.missing(a[1]) ? null : a[1], null, false);
        Object total = Filters.given(a[2], 0L);
        if (Texts.isText(total)) {
            throw JinjaException.type("sum() can't sum strings [use ''.join(seq) instead]");
        }
        Iterator<?> each = Sequences.iterate(a[0]);
        while (each.hasNext()) {
            run.step();
            total = Arithmetic.binary(run, "+", total, getter.apply(each.next()));
        }
        return total;
    }

    private static Object groupBy(Run run, Object[] a) {
        Object otherwise = Frame.missing(a[2]) ? null : a[2];
        boolean folds = !Filters.flag(a[3]);
        var key = Getter.of(a[1], otherwise, folds);
        var shown = Getter.of(a[1], otherwise, false);
        List<Object> groups = new ArrayList<>();
        List<Object> group = null;
        Object last = null;
        for (Object item : sorted(run, Sequences.list(run, a[0]), key, false)) {
            Object value = key.apply(item);
            if (group == null || !Comparison.equal(value, last)) {
                group = new ArrayList<>();
                groups.add(new Tuple(new Group(folds ? shown.apply(item) : value, group)));
            }
            group.add(item);
            last = value;
        }
        return groups;
    }

    private static Object items(Object value) {
        return new Generator(
                "generator",
                () -> {
                    if (value instanceof Undefined) {
                        return Collections.emptyIterator();
                    }
                    if (!(value instanceof Map<?, ?> map)) {
                        throw JinjaException.type("Can only get item pairs from a mapping.");
                    }
                    return new DictView(DictView.Part.ITEMS, map).iterator();
                });
    }

    private static Object batch(Run run, Object[] a) {
        return new Generator(
                "generator",
                () -> {
                    List<Object> lines = new ArrayList<>();
                    List<Object> line = new ArrayList<>();
                    Iterator<?> each = Sequences.iterate(a[0]);
                    while (each.hasNext()) {
                        run.step();
                        if (Comparison.equal((long) line.size(), a[1])) {
                            lines.add(line);
                            line = new ArrayList<>();
                        }
                        line.add(each.next());
                    }
                    if (!line.isEmpty()) {
                        fill(run, line, a);
                        lines.add(line);
                    }
                    return lines.iterator();
                });
    }

    private static void fill(Run run, List<Object> line, Object[] a) {
        if (!Frame.missing(a[2]) && a[2] != null && Numbers.index(a[1]) > line.size()) {
            run.makeItems(Numbers.index(a[1]));
            while (line.size() < Numbers.index(a[1])) {
                line.add(a[2]);
            }
        }
    }

    private static Object slice(Run run, Object[] a) {
        return new Generator(
                "generator",
                () -> {
                    List<Object> items = Sequences.list(run, a[0]);
                    long slices = Numbers.index(a[1]);
                    run.makeItems(slices);
                    if (slices == 0) {
                        Numbers.floorDivide((long) items.size(), 0L);
                    }
                    List<Object> out = new ArrayList<>();
                    int at = 0;
                    for (long i = 0; i < slices; i++) {
                        boolean extra = i < items.size() % slices;
                        int end = at + (int) (items.size() / slices) + (extra ? 1 : 0);
                        List<Object> one = new ArrayList<>(items.subList(at, end));
                        if (!extra && !Frame.missing(a[2]) && a[2] != null) {
                            one.add(a[2]);
                        }
                        out.add(one);
                        at = end;
                    }
                    return out.iterator();
                });
    }

    private static Object attribute(Object[] a) {
        Object value =
                Texts.isText(a[1]) ? Attributes.attribute(a[0], Texts.of(a[1])) : Frame.MISSING;
        return Frame.missing(value) ? Undefined.missing(a[0], a[1]) : value;
    }
}
