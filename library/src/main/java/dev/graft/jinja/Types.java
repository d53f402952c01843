package dev.graft.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The types of a template's values: null, Boolean, Long, BigInteger, Double, String, List, Map and
/// the classes of this room; nothing of Java is ever among them.
final class Types {
    private Types() {}

    /// The name of the type in Python.
    static String name(Object value) {
        return switch (value) {
            case null -> "NoneType";
            case Boolean _ -> "bool";
            case Long _, BigInteger _ -> "int";
            case Double _ -> "float";
            case String _ -> "str";
            case Markup _ -> "Markup";
            case Map<?, ?> _ -> "dict";
            case Range _ -> "range";
            case List<?> _ -> "list";
            case Tuple _ -> "tuple";
            case Undefined _ -> "Undefined";
            case Namespace _ -> "Namespace";
            case DictView view ->
                    switch (view.part) {
                        case KEYS -> "dict_keys";
                        case VALUES -> "dict_values";
                        case ITEMS -> "dict_items";
                    };
            case Generator generator -> generator.kind;
            case LoopContext _ -> "LoopContext";
            case Macro _ -> "Macro";
            case BoundMethod _ -> "builtin_function_or_method";
            case Cycler _ -> "Cycler";
            case Joiner _ -> "Joiner";
            default -> "function";
        };
    }

    /// A value from outside as a value of a template.
    ///
    /// @throws IllegalArgumentException for anything that is not a plain value
    static Object admit(Object value) {
        return switch (value) {
            case null -> null;
            case String _, Boolean _, Long _, Double _ -> value;
            case BigInteger number -> Numbers.exact(number);
            case Integer number -> number.longValue();
            case Short number -> number.longValue();
            case Byte number -> number.longValue();
            case Float number -> number.doubleValue();
            case List<?> list -> admitList(list);
            case Map<?, ?> map -> admitMap(map);
            default ->
                    throw new IllegalArgumentException(
                            "a template takes null, booleans, numbers, strings, lists and maps, not "
                                    + value.getClass().getName());
        };
    }

    private static List<Object> admitList(List<?> list) {
        List<Object> items = new ArrayList<>(list.size());
        for (Object item : list) {
            items.add(admit(item));
        }
        return items;
    }

    private static Map<Object, Object> admitMap(Map<?, ?> map) {
        Map<Object, Object> entries = LinkedHashMap.newLinkedHashMap(map.size());
        map.forEach((key, item) -> entries.put(admit(key), admit(item)));
        return entries;
    }
}
