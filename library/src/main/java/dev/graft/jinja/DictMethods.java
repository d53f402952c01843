package dev.graft.jinja;

import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/// The methods of dicts that change nothing.
final class DictMethods {
    static final Map<String, BoundMethod.Method> OF_DICT = methods();

    private DictMethods() {}

    private static Map<String, BoundMethod.Method> methods() {
        Map<String, BoundMethod.Method> all = new HashMap<>();
        add(all, "keys", "/", (_, self, _) -> new DictView(DictView.Part.KEYS, (Map<?, ?>) self));
        add(
                all,
                "values",
                "/",
                (_, self, _) -> new DictView(DictView.Part.VALUES, (Map<?, ?>) self));
        add(all, "items", "/", (_, self, _) -> new DictView(DictView.Part.ITEMS, (Map<?, ?>) self));
        add(all, "get", "/key default?", (_, self, a) -> get((Map<?, ?>) self, a));
        add(all, "copy", "/", (run, self, _) -> copy(run, (Map<?, ?>) self));
        add(all, "fromkeys", "/iterable value?", (run, _, a) -> fromKeys(run, a));
        return Map.copyOf(all);
    }

    private static void add(
            Map<String, BoundMethod.Method> all,
            String name,
            String parameters,
            BoundMethod.Method.Body body) {
        all.put(name, new BoundMethod.Method(name, Signature.of(name, parameters), body));
    }

    private static Object get(Map<?, ?> dict, Object[] a) {
        Object value = Comparison.get(dict, a[0]);
        if (Frame.missing(value)) {
            return Frame.missing(a[1]) ? null : a[1];
        }
        return value;
    }

    private static Object copy(Run run, Map<?, ?> dict) {
        run.makeItems(dict.size());
        return new LinkedHashMap<Object, Object>(dict);
    }

    private static Object fromKeys(Run run, Object[] a) {
        Map<Object, Object> dict = new LinkedHashMap<>();
        Iterator<?> keys = Sequences.iterate(a[0]);
        while (keys.hasNext()) {
            run.step();
            Comparison.put(dict, keys.next(), Frame.missing(a[1]) ? null : a[1]);
        }
        return dict;
    }

    /// `dict(...)`: a dict or pairs, then keyword arguments.
    static Map<Object, Object> dict(Run run, Arguments arguments) {
        Map<Object, Object> dict = new LinkedHashMap<>();
        if (arguments.positional().size() > 1) {
            throw JinjaException.type(
                    "dict expected at most 1 argument, got %d", arguments.positional().size());
        }
        if (!arguments.positional().isEmpty()) {
            Object source = arguments.first();
            if (source instanceof Map<?, ?> map) {
                run.makeItems(map.size());
                dict.putAll(map);
            } else {
                Iterator<?> pairs = Sequences.iterate(source);
                while (pairs.hasNext()) {
                    var pair = Sequences.list(run, pairs.next());
                    if (pair.size() != 2) {
                        throw JinjaException.value(
                                "dictionary update sequence element has length %d; 2 is required",
                                pair.size());
                    }
                    Comparison.put(dict, pair.get(0), pair.get(1));
                }
            }
        }
        dict.putAll(arguments.named());
        return dict;
    }
}
