package dev.graft.jinja;

/// `joiner(sep)`: nothing when called first, then the separator.
final class Joiner implements Callable {
    private final Object separator;
    private boolean used;

    Joiner(Object separator) {
        this.separator = separator;
    }

    /// The attribute, or [Frame#MISSING].
    Object attribute(String name) {
        return switch (name) {
            case "sep" -> separator;
            case "used" -> used;
            default -> Frame.MISSING;
        };
    }

    @Override
    public Object call(Run run, Arguments arguments) {
        Signature.of("joiner", "").bind(arguments);
        if (used) {
            return separator;
        }
        used = true;
        return "";
    }
}
