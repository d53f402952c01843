package dev.graft.jinja;

/// A function that templates find by its name.
record BuiltIn(String name, Callable body) implements Callable {
    @Override
    public Object call(Run run, Arguments arguments) {
        return body.call(run, arguments);
    }
}
