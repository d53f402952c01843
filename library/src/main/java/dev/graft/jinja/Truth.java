package dev.graft.jinja;

import java.math.BigInteger;
import java.util.Collection;
import java.util.Map;

/// What counts as true.
final class Truth {
    private Truth() {}

    static boolean of(Object value) {
        return switch (value) {
            case null -> false;
            case Boolean b -> b;
            case String text -> !text.isEmpty();
            case Undefined _ -> false;
            case Long number -> number != 0;
            case Double number -> number != 0;
            case BigInteger number -> number.signum() != 0;
            case Map<?, ?> map -> !map.isEmpty();
            case Collection<?> items -> !items.isEmpty();
            case Tuple tuple -> !tuple.items().isEmpty();
            case Markup markup -> !markup.text().isEmpty();
            case LoopContext loop -> !loop.attribute("length").equals(0L);
            default -> true;
        };
    }
}
