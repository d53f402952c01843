package dev.graft.jinja;

/// Texts: plain ones and those marked safe.
final class Texts {
    private Texts() {}

    static boolean isText(Object value) {
        return value instanceof String || value instanceof Markup;
    }

    /// The characters of a text.
    static String of(Object value) {
        return switch (value) {
            case String text -> text;
            case Markup markup -> markup.text();
            case Undefined undefined -> throw undefined.error();
            case null, default ->
                    throw JinjaException.type("expected str instance, %s found", Types.name(value));
        };
    }

    /// A text made from another one, marked safe as that was.
    static Object like(Object original, String text) {
        return original instanceof Markup ? new Markup(text) : text;
    }

    /// A text as it is, anything else as it prints.
    static Object soft(Object value) {
        return isText(value) ? value : Repr.str(value);
    }
}
