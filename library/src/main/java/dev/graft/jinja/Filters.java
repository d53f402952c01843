package dev.graft.jinja;

import java.util.HashMap;
import java.util.Map;

/// The filters by name; the value is their first argument.
final class Filters {
    static final Map<String, Callable> ALL = all();

    private final Map<String, Callable> map = new HashMap<>();

    /// What a filter does, its arguments bound to its parameters.
    interface Body {
        Object of(Run run, Object[] arguments);
    }

    private static Map<String, Callable> all() {
        var filters = new Filters();
        TextFilters.register(filters);
        NumberFilters.register(filters);
        SequenceFilters.register(filters);
        SelectFilters.register(filters);
        return Map.copyOf(filters.map);
    }

    void add(String name, String parameters, Body body) {
        var signature = Signature.of(name, parameters);
        map.put(name, (run, arguments) -> body.of(run, signature.bind(arguments)));
    }

    /// A filter that looks at its arguments itself.
    void raw(String name, Callable body) {
        map.put(name, body);
    }

    static Object given(Object value, Object otherwise) {
        return Frame.missing(value) ? otherwise : value;
    }

    static boolean flag(Object value) {
        return !Frame.missing(value) && Truth.of(value);
    }

    /// Calls the filter of a name that the template has computed.
    static Object call(Run run, Object name, Arguments arguments) {
        Callable filter = Texts.isText(name) ? ALL.get(Texts.of(name)) : null;
        if (filter == null) {
            throw JinjaException.runtime("No filter named %s.", Repr.repr(name));
        }
        run.step();
        run.weigh(arguments.positional().getFirst());
        return filter.call(run, arguments);
    }
}
