package dev.graft.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/// The tests by name; the value is their first argument.
final class Tests {
    static final Map<String, Callable> ALL = all();

    private Tests() {}

    private interface Body {
        boolean of(Run run, Object[] arguments);
    }

    private static Map<String, Callable> all() {
        Map<String, Callable> all = new HashMap<>();
        kinds(all);
        relations(all);
        add(all, "odd", "value", (run, a) -> remains(run, a[0], 2L, 1L));
        add(all, "even", "value", (run, a) -> remains(run, a[0], 2L, 0L));
        add(all, "divisibleby", "value num", (run, a) -> remains(run, a[0], a[1], 0L));
        one(all, "lower", value -> Cases.isLower(Repr.str(value)));
        one(all, "upper", value -> Cases.isUpper(Repr.str(value)));
        add(all, "filter", "value", (_, a) -> known(Filters.ALL, a[0]));
        add(all, "test", "value", (_, a) -> known(ALL, a[0]));
        add(all, "sameas", "value other", (_, a) -> same(a[0], a[1]));
        add(all, "in", "value seq", (_, a) -> Comparison.contains(a[0], a[1]));
        return Map.copyOf(all);
    }

    private static void add(Map<String, Callable> all, String name, String parameters, Body body) {
        var signature = Signature.of(name, parameters);
        all.put(name, (run, arguments) -> body.of(run, signature.bind(arguments)));
    }

    private static void one(Map<String, Callable> all, String name, Predicate<Object> test) {
        add(all, name, "value", (_, a) -> test.test(a[0]));
    }

    private static void kinds(Map<String, Callable> all) {
        one(all, "defined", value -> !(value instanceof Undefined));
        one(all, "undefined", Undefined.class::isInstance);
        one(all, "none", value -> value == null);
        one(all, "boolean", Boolean.class::isInstance);
        one(all, "true", Boolean.TRUE::equals);
        one(all, "false", Boolean.FALSE::equals);
        one(all, "integer", value -> Numbers.isInteger(value) && !(value instanceof Boolean));
        one(all, "float", Double.class::isInstance);
        one(all, "number", Numbers::isNumber);
        one(all, "string", Texts::isText);
        one(all, "mapping", Map.class::isInstance);
        one(all, "iterable", Sequences::iterable);
        one(all, "escaped", Markup.class::isInstance);
        // an undefined value is callable, in order to fail well
        one(all, "callable", value -> value instanceof Callable || value instanceof Undefined);
        one(
                all,
                "sequence",
                value ->
                        value instanceof List<?>
                                || value instanceof Map<?, ?>
                                || value instanceof Tuple
                                || value instanceof Undefined
                                || Texts.isText(value));
    }

    private static void relations(Map<String, Callable> all) {
        for (String name : List.of("==", "eq", "equalto")) {
            add(all, name, "/a b", (_, a) -> Comparison.equal(a[0], a[1]));
        }
        for (String name : List.of("!=", "ne")) {
            add(all, name, "/a b", (_, a) -> !Comparison.equal(a[0], a[1]));
        }
        for (String name : List.of(">", "gt", "greaterthan")) {
            add(all, name, "/a b", (_, a) -> Comparison.compare(">", a[0], a[1]));
        }
        for (String name : List.of(">=", "ge")) {
            add(all, name, "/a b", (_, a) -> Comparison.compare(">=", a[0], a[1]));
        }
        for (String name : List.of("<", "lt", "lessthan")) {
            add(all, name, "/a b", (_, a) -> Comparison.compare("<", a[0], a[1]));
        }
        for (String name : List.of("<=", "le")) {
            add(all, name, "/a b", (_, a) -> Comparison.compare("<=", a[0], a[1]));
        }
    }

    private static boolean remains(Run run, Object value, Object by, long wanted) {
        return Comparison.equal(Arithmetic.binary(run, "%", value, by), wanted);
    }

    private static boolean known(Map<String, Callable> all, Object name) {
        Comparison.hash(name);
        return Texts.isText(name) && all.containsKey(Texts.of(name));
    }

    /// `is` of Python: numbers and texts that were made apart are not the same, but small ones are.
    private static boolean same(Object left, Object right) {
        if (Comparison.identical(left, right)) {
            return true;
        }
        if (left instanceof Long a && right instanceof Long b) {
            return a.equals(b) && a >= -5 && a <= 256;
        }
        if (left instanceof String a && right instanceof String b) {
            return a.equals(b);
        }
        return left instanceof Boolean && left.equals(right);
    }

    /// Calls the test of a name that the template has computed.
    static Object call(Run run, Object name, Arguments arguments) {
        Callable test = Texts.isText(name) ? ALL.get(Texts.of(name)) : null;
        if (test == null) {
            throw JinjaException.runtime("No test named %s.", Repr.repr(name));
        }
        run.step();
        return test.call(run, arguments);
    }
}
