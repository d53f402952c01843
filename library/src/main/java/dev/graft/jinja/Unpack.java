package dev.graft.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// `a, b = value`.
final class Unpack {
    private Unpack() {}

    static List<Object> exactly(Object value, int count) {
        Iterator<?> each = Sequences.iterate(value, "cannot unpack non-iterable %s object");
        List<Object> items = new ArrayList<>(count);
        while (each.hasNext()) {
            items.add(each.next());
            if (items.size() > count) {
                throw JinjaException.value("too many values to unpack (expected %d)", count);
            }
        }
        if (items.size() < count) {
            throw JinjaException.value(
                    "not enough values to unpack (expected %d, got %d)", count, items.size());
        }
        return items;
    }
}
