package dev.graft.jinja;

import java.util.Map;

/// `str.format` and `format_map`, with the sandbox's look at every attribute.
final class BraceFormat {
    private final Run run;
    private final boolean escapes;
    private final Arguments arguments;
    private final Map<?, ?> named;
    private int automatic;
    private boolean numbered;

    private BraceFormat(Run run, boolean escapes, Arguments arguments, Map<?, ?> named) {
        this.run = run;
        this.escapes = escapes;
        this.arguments = arguments;
        this.named = named;
    }

    static Object format(Run run, Object text, Arguments arguments) {
        var format = new BraceFormat(run, text instanceof Markup, arguments, arguments.named());
        return Texts.like(text, format.expand(Texts.of(text), 2));
    }

    static Object map(Run run, Object text, Arguments arguments) {
        Object mapping = Signature.of("format_map", "/mapping").bind(arguments)[0];
        if (!(mapping instanceof Map<?, ?> named)) {
            throw JinjaException.type("'%s' object is not a mapping", Types.name(mapping));
        }
        var format = new BraceFormat(run, text instanceof Markup, Arguments.NONE, named);
        return Texts.like(text, format.expand(Texts.of(text), 2));
    }

    private String expand(String text, int depth) {
        if (depth < 0) {
            throw JinjaException.value("Max string recursion exceeded");
        }
        var out = new StringBuilder();
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            boolean doubled = at + 1 < text.length() && text.charAt(at + 1) == c;
            if (c != '{' && c != '}') {
                out.append(c);
                at++;
            } else if (doubled) {
                out.append(c);
                at += 2;
            } else if (c == '}') {
                throw JinjaException.value("Single '}' encountered in format string");
            } else {
                int end = fieldEnd(text, at + 1);
                run.append(out, field(text.substring(at + 1, end), depth));
                at = end + 1;
            }
        }
        return out.toString();
    }

    private static int fieldEnd(String text, int from) {
        int open = 1;
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            open += c == '{' ? 1 : c == '}' ? -1 : 0;
            if (open == 0) {
                return i;
            }
        }
        throw JinjaException.value(
                from == text.length()
                        ? "Single '{' encountered in format string"
                        : "expected '}' before end of string");
    }

    private String field(String field, int depth) {
        int end = 0;
        int brackets = 0;
        while (end < field.length()) {
            char c = field.charAt(end);
            brackets += c == '[' ? 1 : c == ']' ? -1 : 0;
            if (brackets <= 0 && (c == '!' || c == ':')) {
                break;
            }
            end++;
        }
        Object value = value(field.substring(0, end));
        String rest = field.substring(end);
        if (rest.startsWith("!")) {
            if (rest.length() < 2 || (rest.length() > 2 && rest.charAt(2) != ':')) {
                throw JinjaException.value("expected ':' after conversion specifier");
            }
            value = converted(value, rest.charAt(1));
            rest = rest.substring(2);
        }
        String spec = rest.isEmpty() ? "" : expand(rest.substring(1), depth - 1);
        if (escapes) {
            if (value instanceof Markup markup && spec.isEmpty()) {
                return markup.text();
            }
            return Markup.escape(FormatSpec.format(run, value, spec)).text();
        }
        if (value instanceof Undefined undefined && !spec.isEmpty()) {
            throw JinjaException.type(
                    "unsupported format string passed to Undefined.__format__: %s",
                    undefined.why());
        }
        return FormatSpec.format(run, value, spec);
    }

    private static Object converted(Object value, char conversion) {
        return switch (conversion) {
            case 's' -> Repr.str(value);
            case 'r' -> Repr.repr(value);
            case 'a' -> Json.ascii(Repr.repr(value));
            default ->
                    throw JinjaException.value(
                            "Unknown conversion specifier %s", String.valueOf(conversion));
        };
    }

    private Object value(String path) {
        int end = 0;
        while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
            end++;
        }
        Object value = first(path.substring(0, end));
        while (end < path.length()) {
            boolean attribute = path.charAt(end) == '.';
            int close = end + 1;
            while (close < path.length()
                    && (attribute
                            ? path.charAt(close) != '.' && path.charAt(close) != '['
                            : path.charAt(close) != ']')) {
                close++;
            }
            String name = path.substring(end + 1, close);
            if (name.isEmpty()) {
                throw JinjaException.value("Empty attribute in format string");
            }
            boolean index = !attribute && name.matches("\\d{1,18}");
            value =
                    attribute
                            ? Attributes.get(value, name)
                            : Attributes.getItem(value, index ? (Object) Long.valueOf(name) : name);
            end = attribute ? close : close + 1;
        }
        return value;
    }

    private Object first(String name) {
        if (name.isEmpty() || name.matches("\\d{1,9}")) {
            if (!name.isEmpty() && automatic > 0) {
                throw JinjaException.value(
                        "cannot switch from manual field specification to automatic field numbering");
            }
            if (name.isEmpty() && numbered) {
                throw JinjaException.value(
                        "cannot switch from manual field specification to automatic field numbering");
            }
            numbered |= !name.isEmpty();
            int index = name.isEmpty() ? automatic++ : Integer.parseInt(name);
            if (index >= arguments.positional().size()) {
                throw new JinjaException(
                        JinjaException.Kind.LOOKUP,
                        "Replacement index %d out of range for positional args tuple"
                                .formatted(index));
            }
            return arguments.positional().get(index);
        }
        Object value = Comparison.get(named, name);
        if (Frame.missing(value)) {
            throw new JinjaException(JinjaException.Kind.LOOKUP, Repr.quote(name));
        }
        return value;
    }
}
