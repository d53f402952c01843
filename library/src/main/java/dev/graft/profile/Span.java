package dev.graft.profile;

/// A part of a step that is being timed; closing it ends it.
public interface Span extends AutoCloseable {
    /// Where nobody listens.
    Span NONE = () -> {};

    @Override
    void close();
}
