package dev.graft.jinja;

import java.util.Iterator;
import java.util.function.Supplier;

/// What filters such as `map` and `select` give: values that are made when asked for, once; always
/// true, without a length.
final class Generator implements Iterator<Object> {
    final String kind;
    private final Supplier<Iterator<?>> start;
    private Iterator<?> values;

    /// @param start opens the values when the first is asked for, as a generator of Python does
    Generator(String kind, Supplier<Iterator<?>> start) {
        this.kind = kind;
        this.start = start;
    }

    private Iterator<?> values() {
        if (values == null) {
            values = start.get();
        }
        return values;
    }

    @Override
    public boolean hasNext() {
        return values().hasNext();
    }

    @Override
    public Object next() {
        return values().next();
    }
}
