package dev.graft.jinja;

import java.util.List;

/// `cycler(...)`: values in turn, outside of a loop.
final class Cycler {
    private final List<Object> items;
    private int position;

    Cycler(List<Object> items) {
        if (items.isEmpty()) {
            throw JinjaException.runtime("at least one item has to be provided");
        }
        this.items = items;
    }

    /// The attribute, or [Frame#MISSING].
    Object attribute(String name) {
        return switch (name) {
            case "current" -> items.get(position);
            case "pos" -> (long) position;
            case "items" -> new Tuple(items);
            case "next" -> new BuiltIn("next", (_, _) -> next());
            case "reset" ->
                    new BuiltIn(
                            "reset",
                            (_, _) -> {
                                position = 0;
                                return null;
                            });
            default -> Frame.MISSING;
        };
    }

    private Object next() {
        Object value = items.get(position);
        position = (position + 1) % items.size();
        return value;
    }
}
