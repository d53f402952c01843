package dev.graft.error;

/// A run that began could not go on (a loss that is not a number, a full disk); exit code 5.
public final class TrainingException extends GraftException {
    private static final long serialVersionUID = 1L;

    public TrainingException(String message) {
        this(message, null);
    }

    public TrainingException(String message, Throwable cause) {
        super(5, message, cause);
    }
}
