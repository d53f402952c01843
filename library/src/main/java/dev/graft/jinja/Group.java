package dev.graft.jinja;

import java.util.AbstractList;
import java.util.List;

/// The items of a tuple that `groupby` gives, which have names besides.
final class Group extends AbstractList<Object> {
    private final Object grouper;
    private final List<Object> list;

    Group(Object grouper, List<Object> list) {
        this.grouper = grouper;
        this.list = list;
    }

    /// The attribute, or [Frame#MISSING].
    Object attribute(String name) {
        return switch (name) {
            case "grouper" -> grouper;
            case "list" -> list;
            default -> Frame.MISSING;
        };
    }

    @Override
    public Object get(int index) {
        return java.util.Objects.checkIndex(index, 2) == 0 ? grouper : list;
    }

    @Override
    public int size() {
        return 2;
    }
}
