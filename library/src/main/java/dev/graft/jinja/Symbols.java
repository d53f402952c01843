package dev.graft.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The names of one scope of a template and where their values come from, as Jinja2's `idtracking`
/// decides it before anything runs.
///
/// A name that a scope assigns to gets a variable of its own; one that it only reads is that of the
/// scope around it, or comes from the context.
final class Symbols {
    /// What a variable holds when its scope is entered.
    sealed interface Load {}

    /// Given by whoever enters the scope.
    record Parameter() implements Load {}

    /// Looked up in the context.
    record Resolve(String name) implements Load {}

    /// The value of a variable further out.
    record Alias(String variable) implements Load {}

    /// Nothing yet.
    record Unset() implements Load {}

    final int level;
    final Symbols parent;
    private final Map<String, String> refs;
    private final Map<String, Load> loads;
    private final Set<String> stores;

    Symbols(Symbols parent, int level) {
        this(parent, level, new HashMap<>(), new LinkedHashMap<>(), new HashSet<>());
    }

    private Symbols(
            Symbols parent,
            int level,
            Map<String, String> refs,
            Map<String, Load> loads,
            Set<String> stores) {
        this.parent = parent;
        this.level = level;
        this.refs = refs;
        this.loads = loads;
        this.stores = stores;
    }

    Symbols copy() {
        return new Symbols(
                parent,
                level,
                new HashMap<>(refs),
                new LinkedHashMap<>(loads),
                new HashSet<>(stores));
    }

    Map<String, Load> loads() {
        return loads;
    }

    private String define(String name, Load load) {
        String variable = level + " " + name;
        refs.put(name, variable);
        loads.put(variable, load);
        return variable;
    }

    private String find(String name) {
        for (Symbols at = this; at != null; at = at.parent) {
            String variable = at.refs.get(name);
            if (variable != null) {
                return variable;
            }
        }
        return null;
    }

    String ref(String name) {
        String variable = find(name);
        if (variable == null) {
            throw new IllegalStateException("a name without a variable: " + name);
        }
        return variable;
    }

    void store(String name) {
        stores.add(name);
        if (!refs.containsKey(name)) {
            String outer = parent == null ? null : parent.find(name);
            define(name, outer == null ? new Unset() : new Alias(outer));
        }
    }

    String parameter(String name) {
        stores.add(name);
        return define(name, new Parameter());
    }

    void load(String name) {
        if (find(name) == null) {
            define(name, new Resolve(name));
        }
    }

    /// Joins what the branches of an `if` found: a name that only some of them set keeps the value
    /// that it had before.
    void join(List<Symbols> branches) {
        Set<String> stored = new HashSet<>();
        branches.forEach(branch -> stored.addAll(branch.stores));
        stored.removeAll(stores);
        for (Symbols branch : branches) {
            refs.putAll(branch.refs);
            loads.putAll(branch.loads);
            stores.addAll(branch.stores);
        }
        for (String name : new ArrayList<>(stored)) {
            String outer = parent == null ? null : parent.find(name);
            loads.put(ref(name), outer == null ? new Resolve(name) : new Alias(outer));
        }
    }
}
