package dev.graft.error;

/// A failure that a user can act on: its message says what was found, what was expected and what
/// to do next.
public abstract sealed class GraftException extends RuntimeException
        permits ConfigException, ModelFormatException, OutOfMemory, TrainingException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    GraftException(int exitCode, String message, Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    /// The exit code of the command line, never 0.
    public final int exitCode() {
        return exitCode;
    }
}
