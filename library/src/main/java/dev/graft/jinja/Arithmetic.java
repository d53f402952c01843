package dev.graft.jinja;

import java.util.ArrayList;
import java.util.List;

/// The operators of expressions.
final class Arithmetic {
    private Arithmetic() {}

    static Object binary(Run run, String operator, Object left, Object right) {
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return numbers(operator, left, right);
        }
        if (operator.equals("%") && Texts.isText(left)) {
            return PercentFormat.format(run, left, right);
        }
        if (left instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.error();
        }
        Object result =
                switch (operator) {
                    case "+" -> add(run, left, right);
                    case "*" -> repeat(run, left, right);
                    default -> Frame.MISSING;
                };
        if (Frame.missing(result)) {
            throw JinjaException.type(
                    "unsupported operand type(s) for %s: '%s' and '%s'",
                    operator, Types.name(left), Types.name(right));
        }
        return result;
    }

    private static Object numbers(String operator, Object left, Object right) {
        return switch (operator) {
            case "+" -> Numbers.add(left, right);
            case "-" -> Numbers.subtract(left, right);
            case "*" -> Numbers.multiply(left, right);
            case "/" -> Numbers.divide(left, right);
            case "//" -> Numbers.floorDivide(left, right);
            case "%" -> Numbers.modulo(left, right);
            default -> Numbers.power(left, right);
        };
    }

    private static Object add(Run run, Object left, Object right) {
        if (left instanceof String a && right instanceof String b) {
            run.make((long) a.length() + b.length());
            return a.concat(b);
        }
        if (Texts.isText(left) && Texts.isText(right)) {
            String joined = Markup.escape(left).text() + Markup.escape(right).text();
            return new Markup(run.made(joined));
        }
        if (Texts.isText(left)) {
            throw JinjaException.type(
                    "can only concatenate str (not \"%s\") to str", Types.name(right));
        }
        if (left instanceof Tuple(var a) && right instanceof Tuple(var b)) {
            return new Tuple(joined(run, a, b));
        }
        if (isList(left) && isList(right)) {
            return joined(run, (List<?>) left, (List<?>) right);
        }
        return Frame.MISSING;
    }

    private static boolean isList(Object value) {
        return value instanceof List<?> && !(value instanceof Range);
    }

    private static List<Object> joined(Run run, List<?> left, List<?> right) {
        run.makeItems((long) left.size() + right.size());
        List<Object> all = new ArrayList<>(left.size() + right.size());
        all.addAll(left);
        all.addAll(right);
        return all;
    }

    private static Object repeat(Run run, Object left, Object right) {
        if (Numbers.isInteger(left)) {
            return Numbers.isNumber(right) ? Frame.MISSING : times(run, right, left);
        }
        if (Numbers.isInteger(right)) {
            return times(run, left, right);
        }
        if (Texts.isText(left) || isList(left) || left instanceof Tuple) {
            throw JinjaException.type(
                    "can't multiply sequence by non-int of type '%s'", Types.name(right));
        }
        return Frame.MISSING;
    }

    private static Object times(Run run, Object value, Object count) {
        long times = Math.max(0, Numbers.index(count));
        return switch (value) {
            case String text -> repeat(run, text, times);
            case Markup(String text) -> new Markup(repeat(run, text, times));
            case Range _ -> Frame.MISSING;
            case List<?> list -> repeat(run, list, times);
            case Tuple(var items) -> new Tuple(repeat(run, items, times));
            case null, default -> Frame.MISSING;
        };
    }

    /// A text so many times over, counted before it is made.
    static String repeat(Run run, String text, long times) {
        if (text.isEmpty() || times <= 0) {
            return "";
        }
        run.make(times > Integer.MAX_VALUE ? Long.MAX_VALUE : text.length() * times);
        return text.repeat((int) times);
    }

    private static List<Object> repeat(Run run, List<?> items, long times) {
        if (items.isEmpty()) {
            return new ArrayList<>();
        }
        run.makeItems(times > Integer.MAX_VALUE ? Integer.MAX_VALUE : items.size() * times);
        List<Object> all = new ArrayList<>();
        for (long i = 0; i < times; i++) {
            all.addAll(items);
        }
        return all;
    }

    static Object unary(String operator, Object value) {
        if (operator.equals("not")) {
            return !Truth.of(value);
        }
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!Numbers.isNumber(value)) {
            throw JinjaException.type(
                    "bad operand type for unary %s: '%s'", operator, Types.name(value));
        }
        if (operator.equals("-")) {
            return Numbers.negate(value);
        }
        return value instanceof Boolean ? Numbers.exact(Numbers.big(value)) : value;
    }
}
