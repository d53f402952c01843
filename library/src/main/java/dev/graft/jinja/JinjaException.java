package dev.graft.jinja;

import java.util.Locale;

/// A template that cannot be read or rendered: where it failed, what was found, and whether the
/// template refused by itself.
public final class JinjaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// What went wrong, in the terms of Jinja2 and Python.
    public enum Kind {
        /// The template's text is not a template.
        SYNTAX,
        /// An undefined value was used for more than printing, looping or testing.
        UNDEFINED,
        /// The sandbox refused an access.
        SECURITY,
        /// The template called `raise_exception`: its own refusal of this conversation.
        RAISED,
        /// An operation on values of the wrong type.
        TYPE,
        /// A value that an operation cannot take.
        VALUE,
        /// An index or a key that is not there.
        LOOKUP,
        /// A division by zero.
        ZERO_DIVISION,
        /// A number that is too large.
        OVERFLOW,
        /// Everything else that Jinja2 refuses while rendering.
        RUNTIME,
        /// More steps, depth or text than the [Limits] allow.
        LIMIT
    }

    private final Kind kind;
    private final String detail;
    private final String template;
    private final int line;

    JinjaException(Kind kind, String detail) {
        this(kind, detail, null, 0, null);
    }

    private JinjaException(
            Kind kind, String detail, String template, int line, JinjaException cause) {
        super(detail, cause, true, false);
        this.kind = kind;
        this.detail = detail;
        this.template = template;
        this.line = line;
    }

    static JinjaException type(String format, Object... arguments) {
        return new JinjaException(Kind.TYPE, text(format, arguments));
    }

    static JinjaException value(String format, Object... arguments) {
        return new JinjaException(Kind.VALUE, text(format, arguments));
    }

    static JinjaException runtime(String format, Object... arguments) {
        return new JinjaException(Kind.RUNTIME, text(format, arguments));
    }

    static JinjaException limit(String format, Object... arguments) {
        return new JinjaException(Kind.LIMIT, text(format, arguments));
    }

    static JinjaException syntax(int line, String format, Object... arguments) {
        return new JinjaException(Kind.SYNTAX, text(format, arguments), null, line, null);
    }

    @SuppressWarnings("AnnotateFormatMethod") // all callers are in this room
    private static String text(String format, Object... arguments) {
        return arguments.length == 0 ? format : String.format(Locale.ROOT, format, arguments);
    }

    /// The same failure with its place, unless it has one already.
    JinjaException at(String name, int atLine) {
        if (template != null) {
            return this;
        }
        return new JinjaException(kind, detail, name, line > 0 ? line : atLine, null);
    }

    /// What went wrong.
    public Kind kind() {
        return kind;
    }

    /// What was found, without the place; for [Kind#RAISED] the words of the template itself.
    public String detail() {
        return detail;
    }

    /// The name that the template was compiled under.
    public String template() {
        return template;
    }

    /// The line of the template, from 1.
    public int line() {
        return line;
    }

    @Override
    public String getMessage() {
        return template == null ? detail : "%s:%d: %s".formatted(template, line, detail);
    }
}
