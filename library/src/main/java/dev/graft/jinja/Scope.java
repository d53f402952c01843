package dev.graft.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A scope while it is compiled: its names, the function that holds their variables, and what
/// stands around it.
///
/// @param top the template itself, whose assignments macros see through the context
/// @param soft within an `if`, where an unknown filter is an error only when it runs
/// @param loops within a loop of the same function, where `break` has a meaning
/// @param escapes within `autoescape true`
record Scope(
        Symbols symbols,
        Function function,
        boolean top,
        boolean soft,
        boolean loops,
        boolean escapes) {

    /// What runs with variables of its own: the template, a macro, a recursive loop, the test of a
    /// loop.
    static final class Function {
        private final Function outer;
        private final Map<String, Integer> slots = new HashMap<>();

        Function(Function outer) {
            this.outer = outer;
        }

        int size() {
            return slots.size();
        }

        int own(String variable) {
            return slots.computeIfAbsent(variable, _ -> slots.size());
        }

        Variable find(String variable) {
            int hops = 0;
            for (Function at = this; at != null; at = at.outer, hops++) {
                Integer slot = at.slots.get(variable);
                if (slot != null) {
                    return new Variable(hops, slot);
                }
            }
            throw new IllegalStateException("a variable without a place: " + variable);
        }
    }

    /// The place of a variable: so many functions out, then a slot.
    record Variable(int hops, int slot) {
        Object get(Frame frame) {
            Frame at = frame;
            for (int i = 0; i < hops; i++) {
                at = at.outer;
            }
            return at.slots[slot];
        }
    }

    static Scope template() {
        return new Scope(new Symbols(null, 0), new Function(null), true, false, false, false);
    }

    Scope inner() {
        return new Scope(
                new Symbols(symbols, symbols.level + 1), function, false, false, loops, escapes);
    }

    /// The scope within a function of its own.
    Scope function(Function other) {
        return new Scope(symbols, other, top, soft, false, escapes);
    }

    Scope softened() {
        return new Scope(symbols, function, top, true, loops, escapes);
    }

    Scope looping() {
        return new Scope(symbols, function, top, soft, true, escapes);
    }

    Scope escaping(boolean on) {
        return new Scope(symbols, function, top, soft, loops, on);
    }

    Variable variable(String name) {
        return function.find(symbols.ref(name));
    }

    /// What sets the variables of this scope when it is entered, and unsets them when it is left.
    Entry entry() {
        List<Integer> unset = new ArrayList<>();
        List<Integer> all = new ArrayList<>();
        List<Entry.Loaded> loaded = new ArrayList<>();
        symbols.loads().keySet().forEach(function::own);
        symbols.loads()
                .forEach(
                        (variable, load) -> {
                            int slot = function.own(variable);
                            all.add(slot);
                            switch (load) {
                                case Symbols.Parameter _ -> {}
                                case Symbols.Unset _ -> unset.add(slot);
                                case Symbols.Resolve(String name) ->
                                        loaded.add(new Entry.Loaded(slot, name, null));
                                case Symbols.Alias(String outer) ->
                                        loaded.add(
                                                new Entry.Loaded(slot, null, function.find(outer)));
                            }
                        });
        return new Entry(
                unset.stream().mapToInt(i -> i).toArray(),
                all.stream().mapToInt(i -> i).toArray(),
                loaded.toArray(Entry.Loaded[]::new));
    }

    /// The variables of a scope.
    static final class Entry {
        /// A variable that comes from the context or from another variable.
        record Loaded(int slot, String name, Variable alias) {}

        private final int[] unset;
        private final int[] all;
        private final Loaded[] loaded;

        Entry(int[] unset, int[] all, Loaded[] loaded) {
            this.unset = unset;
            this.all = all;
            this.loaded = loaded;
        }

        void enter(Frame frame) {
            for (Loaded load : loaded) {
                frame.slots[load.slot] =
                        load.alias == null ? frame.run.resolve(load.name) : load.alias.get(frame);
            }
            for (int slot : unset) {
                frame.slots[slot] = Frame.MISSING;
            }
        }

        void leave(Frame frame) {
            for (int slot : all) {
                frame.slots[slot] = Frame.MISSING;
            }
        }
    }
}
