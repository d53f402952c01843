package dev.graft.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Predicate;

/// The items that pass a test, each tested only when it is asked for.
final class Selecting implements Iterator<Object> {
    private final Run run;
    private final Iterator<?> items;
    private final Predicate<Object> test;
    private Object next = Frame.MISSING;

    Selecting(Run run, Iterator<?> items, Predicate<Object> test) {
        this.run = run;
        this.items = items;
        this.test = test;
    }

    @Override
    public boolean hasNext() {
        while (Frame.missing(next) && items.hasNext()) {
            run.step();
            Object item = items.next();
            if (test.test(item)) {
                next = item;
            }
        }
        return !Frame.missing(next);
    }

    @Override
    public Object next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Object item = next;
        next = Frame.MISSING;
        return item;
    }
}
