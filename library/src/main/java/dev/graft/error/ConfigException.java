package dev.graft.error;

/// The run was described wrongly (a key, a value, a path, a data set); exit code 2.
public final class ConfigException extends GraftException {
    private static final long serialVersionUID = 1L;

    public ConfigException(String message) {
        this(message, null);
    }

    public ConfigException(String message, Throwable cause) {
        super(2, message, cause);
    }
}
