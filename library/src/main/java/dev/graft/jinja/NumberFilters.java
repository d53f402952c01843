package dev.graft.jinja;

import dev.graft.jinja.JinjaException.Kind;
import java.math.BigDecimal;
import java.math.RoundingMode;

/// The filters that make numbers, and `default`.
final class NumberFilters {
    private NumberFilters() {}

    static void register(Filters filters) {
        filters.add("abs", "/x", (_, a) -> abs(a[0]));
        filters.add("int", "value default? base?", (_, a) -> integer(a));
        filters.add("float", "value default?", (_, a) -> real(a));
        filters.add("round", "value precision? method?", (_, a) -> round(a));
        filters.add("filesizeformat", "value binary?", (_, a) -> fileSize(a));
        filters.add("default", "value default_value? boolean?", (_, a) -> otherwise(a));
        filters.add("d", "value default_value? boolean?", (_, a) -> otherwise(a));
        filters.add("length", "/obj", (_, a) -> Sequences.length(a[0]));
        filters.add("count", "/obj", (_, a) -> Sequences.length(a[0]));
    }

    private static Object abs(Object value) {
        if (!Numbers.isNumber(value)) {
            throw JinjaException.type("bad operand type for abs(): '%s'", Types.name(value));
        }
        return Numbers.absolute(value);
    }

    private static Object otherwise(Object[] a) {
        boolean replaced = a[0] instanceof Undefined || (Filters.flag(a[2]) && !Truth.of(a[0]));
        return replaced ? Filters.given(a[1], "") : a[0];
    }

    private static Object integer(Object[] a) {
        long base = Frame.missing(a[2]) ? 10 : Numbers.index(a[2]);
        try {
            return Texts.isText(a[0])
                    ? Numbers.parseInteger(Texts.of(a[0]), base)
                    : toInteger(a[0]);
        } catch (JinjaException e) {
            if (e.kind() != Kind.TYPE && e.kind() != Kind.VALUE) {
                throw e;
            }
        }
        try {
            // "42.23" gives 42
            return Numbers.truncate(toReal(a[0]));
        } catch (JinjaException e) {
            if (e.kind() != Kind.TYPE && e.kind() != Kind.VALUE && e.kind() != Kind.OVERFLOW) {
                throw e;
            }
            return Filters.given(a[1], 0L);
        }
    }

    private static Object toInteger(Object value) {
        if (value instanceof Double number) {
            return Numbers.truncate(number);
        }
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        return Numbers.exact(Numbers.big(value));
    }

    private static double toReal(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        return Texts.isText(value) ? Numbers.parseReal(Texts.of(value)) : Numbers.real(value);
    }

    private static Object real(Object[] a) {
        try {
            return toReal(a[0]);
        } catch (JinjaException e) {
            if (e.kind() != Kind.TYPE && e.kind() != Kind.VALUE) {
                throw e;
            }
            return Filters.given(a[1], 0.0);
        }
    }

    private static Object round(Object[] a) {
        Object precision = Filters.given(a[1], 0L);
        Object method = Filters.given(a[2], "common");
        boolean ceil = Comparison.equal(method, "ceil");
        if (Comparison.equal(method, "common")) {
            if (!Numbers.isNumber(a[0])) {
                throw a[0] instanceof Undefined
                        ? JinjaException.type("type Undefined doesn't define __round__ method")
                        : JinjaException.type(
                                "type %s doesn't define __round__ method", Types.name(a[0]));
            }
            if (precision == null) {
                // without a precision Python gives an integer
                return a[0] instanceof Double number
                        ? Numbers.truncate(Math.rint(number))
                        : Numbers.exact(Numbers.big(a[0]));
            }
            return Numbers.round(a[0], Numbers.index(precision));
        }
        if (!ceil && !Comparison.equal(method, "floor")) {
            throw JinjaException.runtime("method must be common, ceil or floor");
        }
        if (a[0] instanceof Undefined undefined) {
            throw undefined.error();
        }
        Object scale = Numbers.power(10L, precision);
        Object scaled = Numbers.multiply(a[0], scale);
        Object whole = scaled;
        if (scaled instanceof Double number) {
            whole = Numbers.truncate(ceil ? Math.ceil(number) : Math.floor(number));
        }
        return Numbers.divide(whole, scale);
    }

    private static Object fileSize(Object[] a) {
        double bytes = toReal(a[0]);
        boolean binary = Filters.flag(a[1]);
        double base = binary ? 1024 : 1000;
        if (bytes == 1) {
            return "1 Byte";
        }
        if (bytes < base) {
            return Repr.str(Numbers.truncate(bytes)) + " Bytes";
        }
        String prefixes = "kMGTPEZY";
        double unit = base;
        int i = 0;
        do {
            unit *= base;
            i++;
        } while (i < prefixes.length() && !(bytes < unit)); // NaN is not less than anything
        char prefix = prefixes.charAt(i - 1);
        double shown = base * bytes / unit;
        String digits =
                Double.isFinite(shown)
                        ? new BigDecimal(shown).setScale(1, RoundingMode.HALF_EVEN).toPlainString()
                        : Repr.str(shown);
        return digits + " " + (binary ? Character.toUpperCase(prefix) + "iB" : prefix + "B");
    }
}
