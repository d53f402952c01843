package dev.graft.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// Equality, order and membership of Python's values.
final class Comparison {
    private Comparison() {}

    /// Whether two values are one object, which counts as equal inside lists.
    @SuppressWarnings("ReferenceEquality")
    static boolean identical(Object left, Object right) {
        return left == right;
    }

    static boolean equal(Object left, Object right) {
        if (identical(left, right)) {
            return !(left instanceof Double number && number.isNaN());
        }
        if (left == null || right == null) {
            return false;
        }
        if (left instanceof String a && right instanceof String b) {
            return a.equals(b);
        }
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return numbersEqual(left, right);
        }
        if (Texts.isText(left) && Texts.isText(right)) {
            return Texts.of(left).equals(Texts.of(right));
        }
        return switch (left) {
            case Undefined _ -> right instanceof Undefined;
            case Map<?, ?> a -> right instanceof Map<?, ?> b && dictsEqual(a, b);
            case Range a -> right instanceof Range b && itemsEqual(a, b);
            case List<?> a ->
                    right instanceof List<?> b && !(right instanceof Range) && itemsEqual(a, b);
            case Tuple a -> right instanceof Tuple b && itemsEqual(a.items(), b.items());
            case DictView a when a.part != DictView.Part.VALUES -> viewsEqual(a, right);
            default -> false;
        };
    }

    private static boolean numbersEqual(Object left, Object right) {
        if (left instanceof Long a && right instanceof Long b) {
            return a.longValue() == b.longValue();
        }
        if (left instanceof Double || right instanceof Double) {
            return !isNan(left) && !isNan(right) && order(left, right) == 0;
        }
        return Numbers.big(left).equals(Numbers.big(right));
    }

    private static boolean isNan(Object number) {
        return number instanceof Double value && value.isNaN();
    }

    private static boolean itemsEqual(List<?> left, List<?> right) {
        if (left.size() != right.size()) {
            return false;
        }
        Run.stepOfCurrent();
        Iterator<?> other = right.iterator();
        for (Object item : left) {
            Object match = other.next();
            if (!identical(item, match) && !equal(item, match)) {
                return false;
            }
        }
        return true;
    }

    private static boolean dictsEqual(Map<?, ?> left, Map<?, ?> right) {
        if (left.size() != right.size()) {
            return false;
        }
        Run.stepOfCurrent();
        for (var entry : left.entrySet()) {
            Run.stepOfCurrent();
            Object match = get(right, entry.getKey());
            if (Frame.missing(match) || !equal(entry.getValue(), match)) {
                return false;
            }
        }
        return true;
    }

    private static boolean viewsEqual(DictView left, Object right) {
        if (!(right instanceof DictView other) || left.size() != other.size()) {
            return false;
        }
        for (Object item : left) {
            if (!contains(item, other)) {
                return false;
            }
        }
        return true;
    }

    /// The entry of a dict, or [Frame#MISSING]; `1`, `1.0` and `true` are one key.
    static Object get(Map<?, ?> map, Object key) {
        if (key instanceof String) {
            Object value = map.get(key);
            return value == null && !map.containsKey(key) ? Frame.MISSING : value;
        }
        if (key instanceof Markup markup) {
            return get(map, markup.text());
        }
        hash(key);
        for (var entry : map.entrySet()) {
            Run.stepOfCurrent();
            if (equal(entry.getKey(), key)) {
                return entry.getValue();
            }
        }
        return Frame.MISSING;
    }

    /// Sets an entry of a dict; a key that is there already stays as it is.
    static void put(Map<Object, Object> map, Object key, Object value) {
        if (!(key instanceof String)) {
            hash(key);
            for (var entry : map.entrySet()) {
                Run.stepOfCurrent();
                if (equal(entry.getKey(), key)) {
                    entry.setValue(value);
                    return;
                }
            }
        }
        map.put(key, value);
    }

    /// What stands for a value in a set: equal values have equal ones.
    static Object hash(Object value) {
        return switch (value) {
            case Boolean b -> b ? 1L : 0L;
            case Double number ->
                    number == Math.rint(number) && !number.isInfinite()
                            ? Numbers.truncate(number)
                            : number;
            case Markup markup -> markup.text();
            case Tuple tuple -> {
                Run.stepOfCurrent();
                List<Object> items = new ArrayList<>();
                tuple.items().forEach(item -> items.add(hash(item)));
                yield new Tuple(items);
            }
            case Range range -> range;
            case List<?> _, Map<?, ?> _, DictView _ ->
                    throw JinjaException.type("unhashable type: '%s'", Types.name(value));
            case null, default -> value;
        };
    }

    static boolean contains(Object item, Object container) {
        return switch (container) {
            case String text -> Needle.indexOf(text, needle(item), 0) >= 0;
            case Markup markup -> Needle.indexOf(markup.text(), needle(item), 0) >= 0;
            case Map<?, ?> map -> !Frame.missing(get(map, item));
            case null, default -> {
                Iterator<?> items =
                        Sequences.iterate(container, "argument of type '%s' is not iterable");
                while (items.hasNext()) {
                    Object other = items.next();
                    if (identical(other, item) || equal(item, other)) {
                        yield true;
                    }
                }
                yield false;
            }
        };
    }

    private static String needle(Object item) {
        if (!Texts.isText(item)) {
            throw JinjaException.type(
                    "'in <string>' requires string as left operand, not %s", Types.name(item));
        }
        return Texts.of(item);
    }

    static boolean compare(String operator, Object left, Object right) {
        if (isNan(left) || isNan(right)) {
            if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
                return false;
            }
        }
        int order = order(operator, left, right);
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    /// Below zero, zero or above, as `left` is less, equal or greater.
    static int order(Object left, Object right) {
        return order("<", left, right);
    }

    private static int order(String operator, Object left, Object right) {
        if (left instanceof Long a && right instanceof Long b) {
            return Long.compare(a, b);
        }
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return orderNumbers(left, right);
        }
        if (Texts.isText(left) && Texts.isText(right)) {
            return orderTexts(Texts.of(left), Texts.of(right));
        }
        if (left instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (left instanceof Tuple(var a) && right instanceof Tuple(var b)) {
            return orderItems(operator, a, b);
        }
        if (left instanceof List<?> a
                && right instanceof List<?> b
                && !(left instanceof Range)
                && !(right instanceof Range)) {
            return orderItems(operator, a, b);
        }
        throw JinjaException.type(
                "'%s' not supported between instances of '%s' and '%s'",
                operator, Types.name(left), Types.name(right));
    }

    private static int orderNumbers(Object left, Object right) {
        if (left instanceof Double a && right instanceof Double b) {
            return a < b ? -1 : a > b ? 1 : 0;
        }
        if (left instanceof Double a) {
            return -orderMixed(Numbers.big(right), a);
        }
        if (right instanceof Double b) {
            return orderMixed(Numbers.big(left), b);
        }
        return Numbers.big(left).compareTo(Numbers.big(right));
    }

    private static int orderMixed(BigInteger left, double right) {
        if (Double.isInfinite(right) || Double.isNaN(right)) {
            return right < 0 ? 1 : -1;
        }
        return new BigDecimal(left).compareTo(new BigDecimal(right));
    }

    /// By code points, which is not the order of UTF-16 beyond the first plane.
    private static int orderTexts(String left, String right) {
        int length = Math.min(left.length(), right.length());
        for (int i = 0; i < length; i++) {
            char a = left.charAt(i);
            char b = right.charAt(i);
            if (a != b) {
                boolean beyond = Character.isSurrogate(a) != Character.isSurrogate(b);
                return beyond ? (Character.isSurrogate(a) ? 1 : -1) : Character.compare(a, b);
            }
        }
        return Integer.compare(left.length(), right.length());
    }

    private static int orderItems(String operator, List<?> left, List<?> right) {
        Run.stepOfCurrent();
        int length = Math.min(left.size(), right.size());
        for (int i = 0; i < length; i++) {
            if (!identical(left.get(i), right.get(i)) && !equal(left.get(i), right.get(i))) {
                return order(operator, left.get(i), right.get(i));
            }
        }
        return Integer.compare(left.size(), right.size());
    }
}
