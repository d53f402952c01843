package dev.graft.jinja;

import java.util.AbstractCollection;
import java.util.Iterator;
import java.util.Map;

/// `dict.keys()`, `dict.values()`, `dict.items()`: looks at the dict, has a length, has no index.
final class DictView extends AbstractCollection<Object> {
    /// What a view shows.
    enum Part {
        KEYS,
        VALUES,
        ITEMS
    }

    final Part part;
    final Map<?, ?> dict;

    DictView(Part part, Map<?, ?> dict) {
        this.part = part;
        this.dict = dict;
    }

    @Override
    public Iterator<Object> iterator() {
        var entries = dict.entrySet().iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return entries.hasNext();
            }

            @Override
            public Object next() {
                var entry = entries.next();
                return switch (part) {
                    case KEYS -> entry.getKey();
                    case VALUES -> entry.getValue();
                    case ITEMS -> Tuple.of(entry.getKey(), entry.getValue());
                };
            }
        };
    }

    @Override
    public int size() {
        return dict.size();
    }
}
