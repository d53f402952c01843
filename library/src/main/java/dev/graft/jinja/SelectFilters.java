package dev.graft.jinja;

import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/// `map`, `select`, `reject`, `selectattr`, `rejectattr`: other filters and tests over every item,
/// done when the items are asked for.
final class SelectFilters {
    private SelectFilters() {}

    static void register(Filters filters) {
        filters.raw("map", SelectFilters::map);
        filters.raw("select", (run, arguments) -> select(run, arguments, true, false));
        filters.raw("reject", (run, arguments) -> select(run, arguments, false, false));
        filters.raw("selectattr", (run, arguments) -> select(run, arguments, true, true));
        filters.raw("rejectattr", (run, arguments) -> select(run, arguments, false, true));
    }

    private static Object map(Run run, Arguments arguments) {
        Object value = arguments.first();
        return new Generator(
                "generator",
                () -> {
                    if (!Truth.of(value)) {
                        return Collections.emptyIterator();
                    }
                    var function = mapped(run, arguments.without(1));
                    Iterator<?> items = Sequences.iterate(value);
                    return new Iterator<>() {
                        @Override
                        public boolean hasNext() {
                            return items.hasNext();
                        }

                        @Override
                        public Object next() {
                            return function.apply(items.next());
                        }
                    };
                });
    }

    private static UnaryOperator<Object> mapped(Run run, Arguments arguments) {
        if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
            Map<String, Object> named = new LinkedHashMap<>(arguments.named());
            Object attribute = named.remove("attribute");
            Object otherwise = named.remove("default");
            if (!named.isEmpty()) {
                throw JinjaException.runtime(
                        "Unexpected keyword argument '%s'", named.keySet().iterator().next());
            }
            return Getter.of(attribute, otherwise, false);
        }
        if (arguments.positional().isEmpty()) {
            throw JinjaException.runtime("map requires a filter argument");
        }
        Object name = arguments.first();
        Arguments rest = arguments.without(1);
        return item -> Filters.call(run, name, rest.behind(item));
    }

    private static Object select(
            Run run, Arguments arguments, boolean wanted, boolean byAttribute) {
        Object value = arguments.first();
        return new Generator(
                "generator",
                () -> {
                    if (!Truth.of(value)) {
                        return Collections.emptyIterator();
                    }
                    var test = test(run, arguments.without(1), byAttribute);
                    return new Selecting(
                            run, Sequences.iterate(value), item -> test.test(item) == wanted);
                });
    }

    private static Predicate<Object> test(Run run, Arguments arguments, boolean byAttribute) {
        if (byAttribute && arguments.positional().isEmpty()) {
            throw JinjaException.runtime("Missing parameter for attribute name");
        }
        UnaryOperator<Object> getter =
                Getter.of(byAttribute ? arguments.first() : null, null, false);
        Arguments rest = arguments.without(byAttribute ? 1 : 0);
        if (rest.positional().isEmpty()) {
            return item -> Truth.of(getter.apply(item));
        }
        Object name = rest.first();
        Arguments others = rest.without(1);
        return item -> Truth.of(Tests.call(run, name, others.behind(getter.apply(item))));
    }
}
