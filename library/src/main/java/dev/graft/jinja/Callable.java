package dev.graft.jinja;

/// What a template may call.
interface Callable {
    Object call(Run run, Arguments arguments);
}
