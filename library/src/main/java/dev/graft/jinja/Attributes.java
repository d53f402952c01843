package dev.graft.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;

/// `object.name` and `object[key]` as the immutable sandbox allows them: a method goes before an
/// item when written with a point, after it in brackets; what begins with `_` or changes a list or
/// a dict is hidden.
final class Attributes {
    /// What every object of Python has.
    private static final Set<String> OF_EVERY_OBJECT =
            Set.of(
                    "__class__",
                    "__delattr__",
                    "__dir__",
                    "__doc__",
                    "__eq__",
                    "__format__",
                    "__ge__",
                    "__getattribute__",
                    "__getstate__",
                    "__gt__",
                    "__hash__",
                    "__init__",
                    "__init_subclass__",
                    "__le__",
                    "__lt__",
                    "__ne__",
                    "__new__",
                    "__reduce__",
                    "__reduce_ex__",
                    "__repr__",
                    "__setattr__",
                    "__sizeof__",
                    "__str__",
                    "__subclasshook__");

    private static final Set<String> OF_FUNCTIONS =
            Set.of(
                    "__call__",
                    "__self__",
                    "__func__",
                    "__globals__",
                    "__code__",
                    "__closure__",
                    "__defaults__",
                    "__dict__",
                    "__module__",
                    "__name__",
                    "__qualname__");

    private static final Set<String> OF_CONTAINERS =
            Set.of("__len__", "__getitem__", "__contains__", "__iter__", "__add__", "__mul__");

    private static final Set<String> CHANGES_LISTS =
            Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
    private static final Set<String> CHANGES_DICTS =
            Set.of("clear", "pop", "popitem", "setdefault", "update");

    private Attributes() {}

    /// `object.name`.
    static Object get(Object object, String name) {
        Object value = attribute(object, name);
        if (Frame.missing(value)) {
            value = item(object, name);
        }
        return Frame.missing(value) ? Undefined.missing(object, name) : value;
    }

    /// `object[key]`.
    static Object getItem(Object object, Object key) {
        Object value = item(object, key);
        if (Frame.missing(value) && Texts.isText(key)) {
            value = attribute(object, Texts.of(key));
        }
        return Frame.missing(value) ? Undefined.missing(object, key) : value;
    }

    /// An attribute in the sense of Python, an undefined value where the sandbox hides it, or
    /// [Frame#MISSING].
    static Object attribute(Object object, String name) {
        if (name.startsWith("_")) {
            return hidden(object, name) ? Undefined.unsafe(object, name) : Frame.MISSING;
        }
        return switch (object) {
            case null -> Frame.MISSING;
            case Map<?, ?> map ->
                    CHANGES_DICTS.contains(name)
                            ? Undefined.unsafe(map, name)
                            : method(map, DictMethods.OF_DICT, name);
            case String _, Markup _ -> ofText(object, name);
            case Range range -> ofRange(range, name);
            case List<?> list ->
                    CHANGES_LISTS.contains(name)
                            ? Undefined.unsafe(list, name)
                            : method(list, ListMethods.OF_LIST, name);
            case Tuple tuple -> ofTuple(tuple, name);
            case Undefined undefined -> throw undefined.error();
            case Namespace namespace -> Comparison.get(namespace.attributes(), name);
            case LoopContext loop -> loop.attribute(name);
            case Cycler cycler -> cycler.attribute(name);
            case Joiner joiner -> joiner.attribute(name);
            case Macro macro -> macro.attribute(name);
            case Long _, Boolean _, java.math.BigInteger _ ->
                    NumberMethods.attribute(object, NumberMethods.OF_INTEGER, name);
            case Double _ -> NumberMethods.attribute(object, NumberMethods.OF_FLOAT, name);
            default -> Frame.MISSING;
        };
    }

    private static boolean hidden(Object object, String name) {
        if (object instanceof Namespace) {
            return name.equals("__class__");
        }
        if (object instanceof Undefined undefined && !name.endsWith("__")) {
            throw undefined.error();
        }
        boolean container =
                object instanceof Map<?, ?>
                        || object instanceof List<?>
                        || object instanceof Tuple
                        || Texts.isText(object);
        return OF_EVERY_OBJECT.contains(name)
                || (object instanceof Callable && OF_FUNCTIONS.contains(name))
                || (container && OF_CONTAINERS.contains(name));
    }

    private static Object method(
            Object self, Map<String, BoundMethod.Method> methods, String name) {
        var method = methods.get(name);
        return method == null ? Frame.MISSING : new BoundMethod(self, method);
    }

    private static Object ofText(Object text, String name) {
        return switch (name) {
            case "format" ->
                    new BuiltIn(name, (run, arguments) -> BraceFormat.format(run, text, arguments));
            case "format_map" ->
                    new BuiltIn(name, (run, arguments) -> BraceFormat.map(run, text, arguments));
            default -> method(text, StringMethods.ALL, name);
        };
    }

    private static Object ofTuple(Tuple tuple, String name) {
        Object named = tuple.items() instanceof Group group ? group.attribute(name) : Frame.MISSING;
        return Frame.missing(named) ? method(tuple, ListMethods.OF_TUPLE, name) : named;
    }

    private static Object ofRange(Range range, String name) {
        return switch (name) {
            case "start" -> range.start;
            case "stop" -> range.stop;
            case "step" -> range.step;
            default -> method(range, ListMethods.OF_TUPLE, name);
        };
    }

    /// An item, or [Frame#MISSING] where Python raises a `TypeError` or a `LookupError`.
    static Object item(Object object, Object key) {
        return switch (object) {
            case Map<?, ?> map -> hashable(key) ? Comparison.get(map, key) : Frame.MISSING;
            case String text ->
                    isIndex(key) ? Sequences.at(text, Numbers.index(key)) : Frame.MISSING;
            case Markup markup -> {
                Object found =
                        isIndex(key)
                                ? Sequences.at(markup.text(), Numbers.index(key))
                                : Frame.MISSING;
                yield found instanceof String text ? new Markup(text) : found;
            }
            case List<?> list ->
                    isIndex(key) ? Sequences.at(list, Numbers.index(key)) : Frame.MISSING;
            case Tuple tuple ->
                    isIndex(key) ? Sequences.at(tuple.items(), Numbers.index(key)) : Frame.MISSING;
            case Undefined undefined -> throw undefined.error();
            case null, default -> Frame.MISSING;
        };
    }

    private static boolean isIndex(Object key) {
        return key instanceof Long || key instanceof Boolean;
    }

    private static boolean hashable(Object key) {
        return switch (key) {
            case List<?> _, Map<?, ?> _ -> false;
            case Tuple tuple -> tuple.items().stream().allMatch(Attributes::hashable);
            case null, default -> true;
        };
    }
}
