package dev.graft.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The methods of lists and tuples that change nothing.
final class ListMethods {
    static final Map<String, BoundMethod.Method> OF_TUPLE = methods(false);
    static final Map<String, BoundMethod.Method> OF_LIST = methods(true);

    private ListMethods() {}

    private static Map<String, BoundMethod.Method> methods(boolean list) {
        Map<String, BoundMethod.Method> all = new HashMap<>();
        add(all, "count", "/value", (_, self, a) -> count(items(self), a[0]));
        add(all, "index", "/value start? stop?", (_, self, a) -> index(items(self), a));
        if (list) {
            add(
                    all,
                    "copy",
                    "/",
                    (run, self, _) -> {
                        run.makeItems(items(self).size());
                        return new ArrayList<Object>(items(self));
                    });
        }
        return Map.copyOf(all);
    }

    private static void add(
            Map<String, BoundMethod.Method> all,
            String name,
            String parameters,
            BoundMethod.Method.Body body) {
        var method = new BoundMethod.Method(name, Signature.of(name, parameters), body);
        all.put(name, method);
    }

    private static List<?> items(Object self) {
        return self instanceof Tuple tuple ? tuple.items() : (List<?>) self;
    }

    private static long count(List<?> items, Object value) {
        return items.stream()
                .filter(item -> Comparison.identical(item, value) || Comparison.equal(item, value))
                .count();
    }

    private static long index(List<?> items, Object[] a) {
        Object start = Frame.missing(a[1]) ? null : a[1];
        Object stop = Frame.missing(a[2]) ? null : a[2];
        var bounds = Sequences.Bounds.of(start, stop, null, items.size());
        for (long i = bounds.first(); i < bounds.first() + bounds.count(); i++) {
            if (Comparison.equal(items.get((int) i), a[0])) {
                return i;
            }
        }
        throw JinjaException.value("%s is not in list", Repr.repr(a[0]));
    }
}
