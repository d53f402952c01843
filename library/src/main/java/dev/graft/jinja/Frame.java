package dev.graft.jinja;

import java.util.Arrays;

/// The variables of a function of a template while it runs, and those of the functions around it.
final class Frame {
    /// What a variable holds that has no value.
    static final Object MISSING = new Object();

    /// Whether this is no value at all, which is not the same as None or an undefined value.
    @SuppressWarnings("ReferenceEquality")
    static boolean missing(Object value) {
        return value == MISSING;
    }

    final Object[] slots;
    final Frame outer;
    final Run run;

    Frame(Scope.Function function, Frame outer, Run run) {
        this.slots = new Object[function.size()];
        Arrays.fill(slots, MISSING);
        this.outer = outer;
        this.run = run;
    }
}
