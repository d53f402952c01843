package dev.graft.jinja;

import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// One rendering of a template: its variables, its output, and what it may still take.
final class Run {
    /// A part of the output from a generation block; `points` is its length in code points.
    record Generated(int start, int end, int points) {}

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
        if (value == Frame.MISSING) {
            value = given.getOrDefault(name, Frame.MISSING);
        }
        return value == Frame.MISSING ? Globals.ALL.getOrDefault(name, Frame.MISSING) : value;
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

    /// Counts a text or a list that is about to be made.
    void make(long length) {
        if (length > limits.length()) {
            throw JinjaException.limit(
                    "a text or list of %,d, more than %,d", length, limits.length());
        }
        made -= length;
        if (made < 0) {
            throw JinjaException.limit("texts of more than %,d together", limits.made());
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
