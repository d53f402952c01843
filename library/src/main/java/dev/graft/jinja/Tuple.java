package dev.graft.jinja;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/// A tuple of Python.
record Tuple(List<Object> items) {
    static Tuple of(Object... items) {
        return new Tuple(Collections.unmodifiableList(Arrays.asList(items)));
    }
}
