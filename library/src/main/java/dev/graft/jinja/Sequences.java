package dev.graft.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/// Walking, measuring and slicing of Python's values.
final class Sequences {
    private Sequences() {}

    static Iterator<?> iterate(Object value) {
        return iterate(value, "'%s' object is not iterable");
    }

    static Iterator<?> iterate(Object value, String refusal) {
        return switch (value) {
            case DictView view -> view.iterator();
            case Collection<?> items -> items.iterator();
            case Map<?, ?> map -> map.keySet().iterator();
            case Tuple tuple -> tuple.items().iterator();
            case String text -> characters(text);
            case Markup markup -> characters(markup.text());
            case Undefined _ -> Collections.emptyIterator();
            case Generator generator -> generator;
            case LoopContext loop -> turns(loop);
            case null, default -> throw JinjaException.type(refusal, Types.name(value));
        };
    }

    private static Iterator<Object> characters(String text) {
        return new Iterator<>() {
            private int at;

            @Override
            public boolean hasNext() {
                return at < text.length();
            }

            @Override
            public Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                int c = text.codePointAt(at);
                at += Character.charCount(c);
                return Character.toString(c);
            }
        };
    }

    private static Iterator<Object> turns(LoopContext loop) {
        return new Iterator<>() {
            private boolean ready;

            @Override
            public boolean hasNext() {
                ready = ready || loop.advance();
                return ready;
            }

            @Override
            public Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                ready = false;
                return Tuple.of(loop.current(), loop);
            }
        };
    }

    /// Whether `for` can walk it.
    static boolean iterable(Object value) {
        return value instanceof Collection<?>
                || value instanceof Map<?, ?>
                || value instanceof Tuple
                || Texts.isText(value)
                || value instanceof Undefined
                || value instanceof Generator
                || value instanceof LoopContext;
    }

    /// `len`, or null for what has none.
    static Long size(Object value) {
        return switch (value) {
            case String text -> (long) Chars.length(text);
            case Markup markup -> (long) Chars.length(markup.text());
            case Collection<?> items -> (long) items.size();
            case Map<?, ?> map -> (long) map.size();
            case Tuple tuple -> (long) tuple.items().size();
            case Undefined _ -> 0L;
            case LoopContext loop -> (Long) loop.attribute("length");
            case null, default -> null;
        };
    }

    static long length(Object value) {
        Long size = size(value);
        if (size == null) {
            throw JinjaException.type("object of type '%s' has no len()", Types.name(value));
        }
        return size;
    }

    /// `list(value)`: always a new list.
    static List<Object> list(Run run, Object value) {
        List<Object> items = new ArrayList<>();
        Iterator<?> each = iterate(value);
        while (each.hasNext()) {
            items.add(each.next());
            if ((items.size() & 1023) == 0) {
                run.makeItems(1024);
            }
        }
        run.makeItems(items.size());
        return items;
    }

    /// What `[...]` with a number finds, or [Frame#MISSING].
    static Object at(List<?> items, long index) {
        long at = index < 0 ? index + items.size() : index;
        return at < 0 || at >= items.size() ? Frame.MISSING : items.get((int) at);
    }

    static Object at(String text, long index) {
        int length = text.length();
        if (!Chars.isPlain(text)) {
            int points = Chars.length(text);
            long at = index < 0 ? index + points : index;
            if (at < 0 || at >= points) {
                return Frame.MISSING;
            }
            int begin = text.offsetByCodePoints(0, (int) at);
            return Character.toString(text.codePointAt(begin));
        }
        long at = index < 0 ? index + length : index;
        return at < 0 || at >= length ? Frame.MISSING : String.valueOf(text.charAt((int) at));
    }

    /// `value[start:stop:step]`.
    static Object slice(Run run, Object value, Object start, Object stop, Object step) {
        run.weigh(value);
        return switch (value) {
            case String text ->
                    run.made(slice(text, Bounds.of(start, stop, step, Chars.length(text))));
            case Markup(String text) ->
                    new Markup(slice(text, Bounds.of(start, stop, step, Chars.length(text))));
            case Range range -> {
                var bounds = Bounds.of(start, stop, step, range.size());
                long first = range.start + bounds.first * range.step;
                long by = range.step * bounds.step;
                yield new Range(first, first + bounds.count * by, by);
            }
            case List<?> list -> {
                var items = slice(list, Bounds.of(start, stop, step, list.size()));
                run.makeItems(items.size());
                yield items;
            }
            case Tuple(var items) ->
                    new Tuple(slice(items, Bounds.of(start, stop, step, items.size())));
            case Undefined undefined -> throw undefined.error();
            case Map<?, ?> _ -> throw JinjaException.type("unhashable type: 'slice'");
            case null, default ->
                    throw JinjaException.type(
                            "'%s' object is not subscriptable", Types.name(value));
        };
    }

    private static String slice(String text, Bounds bounds) {
        if (bounds.step == 1) {
            if (bounds.count == 0) {
                return "";
            }
            boolean plain = Chars.isPlain(text);
            int begin = (int) bounds.first;
            int end = (int) (bounds.first + bounds.count);
            return plain
                    ? text.substring(begin, end)
                    : text.substring(
                            text.offsetByCodePoints(0, begin), text.offsetByCodePoints(0, end));
        }
        int[] points = text.codePoints().toArray();
        var out = new StringBuilder();
        for (long i = 0; i < bounds.count; i++) {
            out.appendCodePoint(points[(int) (bounds.first + i * bounds.step)]);
        }
        return out.toString();
    }

    private static List<Object> slice(List<?> items, Bounds bounds) {
        List<Object> out = new ArrayList<>((int) bounds.count);
        for (long i = 0; i < bounds.count; i++) {
            out.add(items.get((int) (bounds.first + i * bounds.step)));
        }
        return out;
    }

    /// A slice of a sequence of known length: where it begins, how many items, how far apart.
    record Bounds(long first, long step, long count) {
        static Bounds of(Object start, Object stop, Object step, long length) {
            long by = step == null ? 1 : clamp(step);
            if (by == 0) {
                throw JinjaException.value("slice step cannot be zero");
            }
            long low = by > 0 ? 0 : -1;
            long high = by > 0 ? length : length - 1;
            long first = start == null ? (by > 0 ? low : high) : within(start, length, low, high);
            long end = stop == null ? (by > 0 ? high : low) : within(stop, length, low, high);
            long span = by > 0 ? end - first : first - end;
            long count = span <= 0 ? 0 : (span - 1) / Math.abs(by) + 1;
            return new Bounds(first, by, count);
        }

        private static long within(Object bound, long length, long low, long high) {
            long at = clamp(bound);
            at = at < 0 ? at + length : at;
            return Math.max(low, Math.min(high, at));
        }

        private static long clamp(Object bound) {
            if (bound instanceof Undefined || !Numbers.isInteger(bound)) {
                throw JinjaException.type(
                        "slice indices must be integers or None or have an __index__ method");
            }
            var number = Numbers.big(bound);
            return number.bitLength() > 40
                    ? (number.signum() < 0 ? -(1L << 40) : 1L << 40)
                    : number.longValue();
        }
    }
}
