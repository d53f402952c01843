package dev.graft.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// `loop`: where a loop stands.
final class LoopContext implements Callable {
    private final Object items;
    private Iterator<?> iterator;
    private final Callable recursion;
    private final int depth0;
    private long index0 = -1;
    private long length = -1;
    private Object before = Frame.MISSING;
    private Object current = Frame.MISSING;
    private Object after = Frame.MISSING;
    private Object last = Frame.MISSING;

    /// @param items what is looped over, for its length
    /// @param iterator its items
    /// @param recursion renders the loop over something else, or null
    LoopContext(Object items, Iterator<?> iterator, Callable recursion, int depth0) {
        this.items = items;
        this.iterator = iterator;
        this.recursion = recursion;
        this.depth0 = depth0;
    }

    boolean advance() {
        Object next = peek();
        if (Frame.missing(next)) {
            return false;
        }
        after = Frame.MISSING;
        index0++;
        before = current;
        current = next;
        return true;
    }

    Object current() {
        return current;
    }

    private Object peek() {
        if (Frame.missing(after) && iterator.hasNext()) {
            after = iterator.next();
        }
        return after;
    }

    private long length() {
        if (length < 0) {
            Long known = Sequences.size(items);
            if (known != null) {
                length = known;
            } else {
                List<Object> rest = new ArrayList<>();
                iterator.forEachRemaining(rest::add);
                iterator = rest.iterator();
                length = rest.size() + index0 + 1 + (Frame.missing(after) ? 0 : 1);
            }
        }
        return length;
    }

    /// The attribute, or [Frame#MISSING].
    Object attribute(String name) {
        return switch (name) {
            case "index" -> index0 + 1;
            case "index0" -> index0;
            case "length" -> length();
            case "revindex" -> length() - index0;
            case "revindex0" -> length() - index0 - 1;
            case "first" -> index0 == 0;
            case "last" -> Frame.missing(peek());
            case "depth" -> (long) depth0 + 1;
            case "depth0" -> (long) depth0;
            case "previtem" ->
                    index0 == 0 ? Undefined.because("there is no previous item") : before;
            case "nextitem" -> {
                Object next = peek();
                yield Frame.missing(next) ? Undefined.because("there is no next item") : next;
            }
            case "cycle" -> new BuiltIn("cycle", this::cycle);
            case "changed" -> new BuiltIn("changed", this::changed);
            default -> Frame.MISSING;
        };
    }

    private Object cycle(Run run, Arguments arguments) {
        var values = arguments.positional();
        if (values.isEmpty()) {
            throw JinjaException.type("no items for cycling given");
        }
        return values.get((int) (index0 % values.size()));
    }

    private Object changed(Run run, Arguments arguments) {
        var value = new Tuple(arguments.positional());
        if (!Frame.missing(last) && Comparison.equal(last, value)) {
            return false;
        }
        last = value;
        return true;
    }

    @Override
    public Object call(Run run, Arguments arguments) {
        if (recursion == null) {
            throw JinjaException.type(
                    "The loop must have the 'recursive' marker to be called recursively.");
        }
        Object[] bound = Signature.of("loop", "iterable").bind(arguments);
        return recursion.call(run, new Arguments(Arrays.asList(bound[0], depth0 + 1), Map.of()));
    }

    String described() {
        return "<LoopContext %d/%d>".formatted(index0 + 1, length());
    }
}
