package dev.graft.error;

/// The run does not fit the memory; carries what it would take and what to change; exit code 4.
public final class OutOfMemory extends GraftException {
    private static final long serialVersionUID = 1L;

    public OutOfMemory(String message) {
        this(message, null);
    }

    public OutOfMemory(String message, Throwable cause) {
        super(4, message, cause);
    }
}
