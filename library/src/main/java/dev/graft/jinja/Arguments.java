package dev.graft.jinja;

import java.util.List;
import java.util.Map;

/// The arguments of a call.
///
/// @param named in the order of the call
record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    Object first() {
        return positional.getFirst();
    }

    /// The same arguments behind another one.
    Arguments behind(Object value) {
        var all = new java.util.ArrayList<Object>(positional.size() + 1);
        all.add(value);
        all.addAll(positional);
        return new Arguments(all, named);
    }

    Arguments without(int count) {
        int from = Math.min(count, positional.size());
        return new Arguments(positional.subList(from, positional.size()), named);
    }
}
