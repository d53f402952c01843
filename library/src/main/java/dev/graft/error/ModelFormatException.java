package dev.graft.error;

/// A file is not what its format says; names the file and, where there is one, the tensor;
/// exit code 3.
public final class ModelFormatException extends GraftException {
    private static final long serialVersionUID = 1L;

    public ModelFormatException(String message) {
        this(message, null);
    }

    public ModelFormatException(String message, Throwable cause) {
        super(3, message, cause);
    }
}
