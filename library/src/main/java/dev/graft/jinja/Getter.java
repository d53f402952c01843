package dev.graft.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// The `attribute` argument of filters: `a.b.0` walks from item to item.
final class Getter {
    private Getter() {}

    /// @param attribute a path, a number, or null for the item itself
    /// @param otherwise what stands for an undefined value on the way, or null
    /// @param folds whether texts are compared in lower case
    static UnaryOperator<Object> of(Object attribute, Object otherwise, boolean folds) {
        List<Object> parts = parts(attribute);
        return item -> {
            Object value = item;
            for (Object part : parts) {
                value = Attributes.getItem(value, part);
                if (otherwise != null && value instanceof Undefined) {
                    value = otherwise;
                }
            }
            return folds ? folded(value) : value;
        };
    }

    /// Several paths with commas between them, as a list of values.
    static UnaryOperator<Object> several(Object attribute, boolean folds) {
        List<UnaryOperator<Object>> getters = new ArrayList<>();
        if (Texts.isText(attribute)) {
            for (String path : Split.at(Texts.of(attribute), ",", -1, false)) {
                getters.add(of(path, null, folds));
            }
        } else {
            getters.add(of(attribute, null, folds));
        }
        return item -> {
            List<Object> values = new ArrayList<>(getters.size());
            getters.forEach(getter -> values.add(getter.apply(item)));
            return values;
        };
    }

    static Object folded(Object value) {
        return Texts.isText(value) ? Cases.lower(Texts.of(value)) : value;
    }

    private static List<Object> parts(Object attribute) {
        if (attribute == null) {
            return List.of();
        }
        if (!Texts.isText(attribute)) {
            return List.of(attribute);
        }
        List<Object> parts = new ArrayList<>();
        for (String part : Split.at(Texts.of(attribute), ".", -1, false)) {
            boolean number = !part.isEmpty() && part.codePoints().allMatch(Chars::isDigit);
            parts.add(number ? Numbers.parseInteger(part, 10) : part);
        }
        return parts;
    }
}
