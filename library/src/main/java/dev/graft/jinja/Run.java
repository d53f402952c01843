package dev.graft.jinja;

import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// One rendering of a template: its variables, its output, and what it may still take.
final class Run {
    /// A part of the output from a generation block; `points` is its length in code points.
    record Generated(int start, int end, int points) {}

    /// The rendering that a thread is in.
    static final ScopedValue<Run> CURRENT = ScopedValue.newInstance();

    /// What an item of a list counts, in characters.
    private static final int ITEM = 16;

    final StringBuilder output = new StringBuilder();
    final List<Generated> generated = new ArrayList<>();
    private final Map<String, Object> set = new HashMap<>();
    private final Map<String, Object> given;
    private final Limits limits;
    private final Supplier<ZonedDateTime> clock;
    private long steps;
    private long made;
    private int depth;

    /// The text of a filter block, while its filter runs.
    Object input;

    /// Whether an `autoescape` block is running; filters ask.
    boolean escapes;

    Run(Map<String, Object> given, Limits limits, Supplier<ZonedDateTime> clock) {
        this.given = given;
        this.limits = limits;
        this.clock = clock;
        this.steps = limits.steps();
        this.made = limits.made();
    }

    Object resolve(String name) {
        Object value = set.getOrDefault(name, Frame.MISSING);
        if (Frame.missing(value)) {
            value = given.getOrDefault(name, Frame.MISSING);
        }
        return Frame.missing(value) ? Globals.ALL.getOrDefault(name, Frame.MISSING) : value;
    }

    void set(String name, Object value) {
        set.put(name, value);
    }

    ZonedDateTime now() {
        return clock.get();
    }

    void step() {
        if (--steps < 0) {
            throw JinjaException.limit("more than %,d steps", limits.steps());
        }
    }

    /// Counts the work that grows with a value.
    void weigh(Object value) {
        switch (value) {
            case String text when text.length() >= 64 -> steps(text.length() >> 6);
            case Markup markup -> steps(markup.text().length() >> 6);
            case Collection<?> items -> steps(items.size() >> 3);
            case Map<?, ?> map -> steps(map.size() >> 3);
            case null, default -> {}
        }
    }

    private void steps(long count) {
        steps -= count;
        step();
    }

    /// Counts one step of the rendering that this thread is in, where no run is at hand.
    static void stepOfCurrent() {
        CURRENT.get().step();
    }

    /// Counts the items of a list or a dict that is about to be made, which take more than
    /// characters.
    void makeItems(long count) {
        if (count > limits.length()) {
            throw JinjaException.limit(
                    "a list of %,d, more than %,d items", count, limits.length());
        }
        spend(count * ITEM);
    }

    /// Counts a text that is about to be made.
    void make(long length) {
        if (length > limits.length()) {
            throw JinjaException.limit(
                    "a text of %,d, more than %,d characters", length, limits.length());
        }
        spend(length);
    }

    private void spend(long length) {
        made -= length;
        if (made < 0) {
            throw JinjaException.limit(
                    "texts and lists of more than %,d characters together", limits.made());
        }
    }

    String made(String text) {
        make(text.length());
        return text;
    }

    void append(StringBuilder out, String text) {
        make((long) text.length());
        if (out.length() + (long) text.length() > limits.length()) {
            throw JinjaException.limit("an output of more than %,d", limits.length());
        }
        out.append(text);
    }

    void enter() {
        if (++depth > limits.depth()) {
            throw JinjaException.limit("calls more than %,d deep", limits.depth());
        }
    }

    void leave() {
        depth--;
    }
}
