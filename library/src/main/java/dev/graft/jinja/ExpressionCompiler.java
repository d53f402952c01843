package dev.graft.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Turns the trees of expressions into what runs.
final class ExpressionCompiler {
    /// The text that a filter block hands to its filter.
    private static final Eval INPUT = frame -> frame.run.input;

    Eval compile(Expression expression, Scope scope) {
        return switch (expression) {
            case Expression.Data(String text, int _) -> _ -> text;
            case Expression.Const(Object value, int _) -> _ -> value;
            case Expression.Name(String name, int _) -> name(name, scope);
            case Expression.NamespaceRef ref ->
                    throw JinjaException.syntax(ref.line(), "a namespace as a value");
            case Expression.TupleOf(var items, int _) -> {
                Eval[] all = all(items, scope);
                yield frame -> new Tuple(made(all, frame));
            }
            case Expression.ListOf(var items, int _) -> {
                Eval[] all = all(items, scope);
                yield frame -> made(all, frame);
            }
            case Expression.DictOf dict -> dict(dict, scope);
            case Expression.Unary unary -> unary(unary, scope);
            case Expression.Binary binary -> binary(binary, scope);
            case Expression.Concat(var parts, int _) -> concat(all(parts, scope), scope);
            case Expression.Compare compare -> compare(compare, scope);
            case Expression.Conditional conditional -> conditional(conditional, scope.softened());
            case Expression.Attribute(var object, String name, int _) -> {
                Eval of = compile(object, scope);
                yield frame -> Attributes.get(of.of(frame), name);
            }
            case Expression.Item item -> item(item, scope);
            case Expression.Slice slice ->
                    throw JinjaException.syntax(slice.line(), "a slice outside of brackets");
            case Expression.Call call -> call(call, scope);
            case Expression.Filter filter -> filter(filter, scope);
            case Expression.Test test -> test(test, scope);
        };
    }

    private Eval[] all(List<Expression> expressions, Scope scope) {
        return expressions.stream().map(one -> compile(one, scope)).toArray(Eval[]::new);
    }

    private static List<Object> values(Eval[] all, Frame frame) {
        Object[] values = new Object[all.length];
        for (int i = 0; i < all.length; i++) {
            values[i] = all[i].of(frame);
        }
        return Arrays.asList(values);
    }

    private static List<Object> made(Eval[] all, Frame frame) {
        frame.run.makeItems(all.length);
        return values(all, frame);
    }

    private static Eval name(String name, Scope scope) {
        var variable = scope.variable(name);
        var undefined = Undefined.named(name);
        int slot = variable.slot();
        if (variable.hops() == 0) {
            return frame -> {
                Object value = frame.slots[slot];
                return Frame.missing(value) ? undefined : value;
            };
        }
        return frame -> {
            Object value = variable.get(frame);
            return Frame.missing(value) ? undefined : value;
        };
    }

    private Eval dict(Expression.DictOf dict, Scope scope) {
        Eval[] keys = all(dict.keys(), scope);
        Eval[] values = all(dict.values(), scope);
        return frame -> {
            frame.run.makeItems(keys.length);
            Map<Object, Object> map = LinkedHashMap.newLinkedHashMap(keys.length);
            for (int i = 0; i < keys.length; i++) {
                Comparison.put(map, keys[i].of(frame), values[i].of(frame));
            }
            return map;
        };
    }

    private Eval unary(Expression.Unary unary, Scope scope) {
        Eval operand = compile(unary.operand(), scope);
        String operator = unary.operator();
        return operator.equals("not")
                ? frame -> !Truth.of(operand.of(frame))
                : frame -> Arithmetic.unary(operator, operand.of(frame));
    }

    private Eval binary(Expression.Binary binary, Scope scope) {
        Eval left = compile(binary.left(), scope);
        Eval right = compile(binary.right(), scope);
        String operator = binary.operator();
        return switch (operator) {
            case "and" ->
                    frame -> {
                        Object value = left.of(frame);
                        return Truth.of(value) ? right.of(frame) : value;
                    };
            case "or" ->
                    frame -> {
                        Object value = left.of(frame);
                        return Truth.of(value) ? value : right.of(frame);
                    };
            default ->
                    frame ->
                            Arithmetic.binary(frame.run, operator, left.of(frame), right.of(frame));
        };
    }

    private static Eval concat(Eval[] parts, Scope scope) {
        boolean escapes = scope.escapes();
        return frame -> {
            Object[] values = values(parts, frame).toArray();
            boolean marked = escapes && Arrays.stream(values).anyMatch(Markup.class::isInstance);
            var out = new StringBuilder();
            for (Object value : values) {
                frame.run.append(out, marked ? Markup.escape(value).text() : Repr.str(value));
            }
            return marked ? new Markup(out.toString()) : out.toString();
        };
    }

    private Eval compare(Expression.Compare compare, Scope scope) {
        Eval first = compile(compare.first(), scope);
        Eval[] rest = all(compare.rest(), scope);
        String[] operators = compare.operators().toArray(String[]::new);
        if (rest.length == 1) {
            return frame -> holds(frame.run, operators[0], first.of(frame), rest[0].of(frame));
        }
        return frame -> {
            Object left = first.of(frame);
            for (int i = 0; i < rest.length; i++) {
                Object right = rest[i].of(frame);
                if (!holds(frame.run, operators[i], left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        };
    }

    private static boolean holds(Run run, String operator, Object left, Object right) {
        run.weigh(right);
        return switch (operator) {
            case "==" -> Comparison.equal(left, right);
            case "!=" -> !Comparison.equal(left, right);
            case "in" -> Comparison.contains(left, right);
            case "not in" -> !Comparison.contains(left, right);
            default -> Comparison.compare(operator, left, right);
        };
    }

    private Eval conditional(Expression.Conditional conditional, Scope scope) {
        Eval test = compile(conditional.test(), scope);
        Eval then = compile(conditional.then(), scope);
        var missing =
                Undefined.because(
                        "the inline if-expression on line %d evaluated to false and no else section was defined."
                                .formatted(conditional.line()));
        Eval otherwise =
                conditional.otherwise() == null
                        ? _ -> missing
                        : compile(conditional.otherwise(), scope);
        return frame -> Truth.of(test.of(frame)) ? then.of(frame) : otherwise.of(frame);
    }

    private Eval item(Expression.Item item, Scope scope) {
        Eval object = compile(item.object(), scope);
        if (item.key() instanceof Expression.Slice slice) {
            Eval start = bound(slice.start(), scope);
            Eval stop = bound(slice.stop(), scope);
            Eval step = bound(slice.step(), scope);
            return frame ->
                    Sequences.slice(
                            frame.run,
                            object.of(frame),
                            start.of(frame),
                            stop.of(frame),
                            step.of(frame));
        }
        Eval key = compile(item.key(), scope);
        return frame -> {
            Object of = object.of(frame);
            if (of instanceof String) {
                frame.run.weigh(of);
            }
            return Attributes.getItem(of, key.of(frame));
        };
    }

    private Eval bound(Expression bound, Scope scope) {
        return bound == null ? _ -> null : compile(bound, scope);
    }

    /// A call, which may get one more argument by name.
    interface CallEval extends Eval {
        Object with(Frame frame, String name, Object value);

        @Override
        default Object of(Frame frame) {
            return with(frame, null, null);
        }
    }

    CallEval call(Expression.Call call, Scope scope) {
        Eval function = compile(call.function(), scope);
        ArgumentsEval arguments = arguments(call.arguments(), scope);
        return (frame, name, value) -> {
            Object callee = function.of(frame);
            Arguments given = arguments.of(frame);
            if (name != null) {
                Map<String, Object> named = new LinkedHashMap<>(given.named());
                named.put(name, value);
                given = new Arguments(given.positional(), named);
            }
            frame.run.step();
            return call(frame.run, callee, given);
        };
    }

    private static Object call(Run run, Object callee, Arguments arguments) {
        return switch (callee) {
            case Callable callable -> callable.call(run, arguments);
            case Undefined undefined -> throw undefined.error();
            case null, default ->
                    throw JinjaException.type("'%s' object is not callable", Types.name(callee));
        };
    }

    private interface ArgumentsEval {
        Arguments of(Frame frame);
    }

    private ArgumentsEval arguments(Expression.CallArguments arguments, Scope scope) {
        Eval[] positional = all(arguments.positional(), scope);
        if (arguments.names().isEmpty()
                && arguments.star() == null
                && arguments.starStar() == null) {
            return positional.length == 0
                    ? _ -> Arguments.NONE
                    : frame -> new Arguments(values(positional, frame), Map.of());
        }
        Eval[] named = all(arguments.named(), scope);
        Eval star = bound(arguments.star(), scope);
        Eval starStar = bound(arguments.starStar(), scope);
        boolean spreads = arguments.star() != null;
        boolean spreadsNamed = arguments.starStar() != null;
        List<String> names = arguments.names();
        return frame -> {
            List<Object> values = new ArrayList<>(values(positional, frame));
            Map<String, Object> byName = new LinkedHashMap<>();
            for (int i = 0; i < named.length; i++) {
                byName.put(names.get(i), named[i].of(frame));
            }
            if (spreads) {
                values.addAll(Sequences.list(frame.run, star.of(frame)));
            }
            if (spreadsNamed) {
                spread(starStar.of(frame), byName);
            }
            return new Arguments(values, byName);
        };
    }

    private static void spread(Object mapping, Map<String, Object> byName) {
        if (!(mapping instanceof Map<?, ?> map)) {
            throw JinjaException.type(
                    "argument after ** must be a mapping, not %s", Types.name(mapping));
        }
        map.forEach(
                (key, value) -> {
                    if (!Texts.isText(key)) {
                        throw JinjaException.type("keywords must be strings");
                    }
                    if (byName.containsKey(Texts.of(key))) {
                        throw JinjaException.type(
                                "got multiple values for keyword argument '%s'", Texts.of(key));
                    }
                    byName.put(Texts.of(key), value);
                });
    }

    /// A filter, also of a block, whose innermost value is empty.
    Eval filter(Expression expression, Scope scope) {
        if (!(expression instanceof Expression.Filter filter)) {
            return compile(expression, scope);
        }
        Eval value = filter.value() == null ? INPUT : filter(filter.value(), scope);
        return applied(
                Filters.ALL.get(filter.name()),
                "No filter named %s.".formatted(Repr.quote(filter.name())),
                filter.line(),
                value,
                filter.arguments(),
                scope);
    }

    /// The filter of a block over its text.
    static Object over(Eval filter, Frame frame, Object text) {
        Object before = frame.run.input;
        frame.run.input = text;
        Object value = filter.of(frame);
        frame.run.input = before;
        return value;
    }

    private Eval test(Expression.Test test, Scope scope) {
        return applied(
                Tests.ALL.get(test.name()),
                "No test named %s.".formatted(Repr.quote(test.name())),
                test.line(),
                compile(test.value(), scope),
                test.arguments(),
                scope);
    }

    private Eval applied(
            Callable function,
            String unknown,
            int line,
            Eval value,
            Expression.CallArguments arguments,
            Scope scope) {
        if (function == null && !scope.soft()) {
            throw JinjaException.syntax(line, "%s", unknown);
        }
        ArgumentsEval rest = arguments(arguments, scope);
        return frame -> {
            if (function == null) {
                throw JinjaException.runtime("%s", unknown);
            }
            Object first = value.of(frame);
            frame.run.step();
            frame.run.weigh(first);
            return function.call(frame.run, rest.of(frame).behind(first));
        };
    }
}
