package dev.graft.config;

import java.util.HashMap;
import java.util.Map;

/// The values of keys, each of the key's type; one that could not be read has none.
final class BoundValues {
    private final Map<Key<?>, Object> values = new HashMap<>();

    <T> void put(Key<T> key, T value) {
        values.put(key, value);
    }

    boolean has(Key<?> key) {
        return values.containsKey(key);
    }

    @SuppressWarnings("unchecked") // put() pairs every key with a value of its type
    <T> T get(Key<T> key) {
        return (T) values.get(key);
    }

    <T> T get(Key<T> key, T otherwise) {
        T value = get(key);
        return value == null ? otherwise : value;
    }

    /// Whether there is anything to evaluate on.
    boolean evaluates() {
        return (get(Keys.EVAL_DATASET) != null && !get(Keys.EVAL_DATASET).isEmpty())
                || (get(Keys.EVAL_SPLIT) != null && get(Keys.EVAL_SPLIT) > 0);
    }
}
