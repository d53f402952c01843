package dev.graft.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/// `namespace(...)`: the one object whose attributes a template may set.
record Namespace(Map<Object, Object> attributes) {
    Namespace() {
        this(new LinkedHashMap<>());
    }

    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}
