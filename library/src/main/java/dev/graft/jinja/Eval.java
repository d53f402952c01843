package dev.graft.jinja;

/// An expression ready to run.
interface Eval {
    Object of(Frame frame);
}
