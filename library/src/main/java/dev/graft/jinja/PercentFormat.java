package dev.graft.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/// `text % values`, as `printf` of Python formats.
final class PercentFormat {
    private final Run run;
    private final String text;
    private final boolean escapes;
    private final Object values;
    private final List<?> tuple;
    private final StringBuilder out = new StringBuilder();
    private int at;
    private int used;
    private boolean byName;

    // one conversion
    private String flags;
    private long width;
    private long precision;

    private PercentFormat(Run run, Object format, Object values) {
        this.run = run;
        this.text = Texts.of(format);
        this.escapes = format instanceof Markup;
        this.values = values;
        this.tuple = values instanceof Tuple(var items) ? items : null;
    }

    static Object format(Run run, Object format, Object values) {
        return Texts.like(format, new PercentFormat(run, format, values).run());
    }

    private String run() {
        while (at < text.length()) {
            int percent = text.indexOf('%', at);
            if (percent < 0) {
                break;
            }
            run.append(out, text.substring(at, percent));
            at = percent + 1;
            conversion();
        }
        run.append(out, text.substring(Math.min(at, text.length())));
        boolean mapping =
                byName
                        || values instanceof Map<?, ?>
                        || values instanceof List<?>
                        || values instanceof Undefined;
        if (tuple != null ? used < tuple.size() : used == 0 && !mapping) {
            throw JinjaException.type("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    private char next() {
        if (at >= text.length()) {
            throw JinjaException.value("incomplete format");
        }
        return text.charAt(at++);
    }

    private Object take() {
        if (byName) {
            return values;
        }
        if (tuple == null ? used > 0 : used >= tuple.size()) {
            throw JinjaException.type("not enough arguments for format string");
        }
        used++;
        return tuple == null ? values : tuple.get(used - 1);
    }

    private void conversion() {
        char c = next();
        Object named = Frame.MISSING;
        if (c == '(') {
            named = named();
            c = next();
        }
        int begin = at - 1;
        while ("-+ #0".indexOf(c) >= 0) {
            c = next();
        }
        flags = text.substring(begin, at - 1);
        width = 0;
        precision = -1;
        c = size(c, false);
        if (c == '.') {
            precision = 0;
            c = size(next(), true);
        }
        while (c == 'l' || c == 'h' || c == 'L') {
            c = next();
        }
        if (c == '%') {
            out.append('%');
            return;
        }
        Object value = Frame.missing(named) ? take() : named;
        run.append(out, padded(c, value));
    }

    private Object named() {
        int end = text.indexOf(')', at);
        if (end < 0) {
            throw JinjaException.value("incomplete format key");
        }
        if (values instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!(values instanceof Map<?, ?> map)) {
            throw JinjaException.type("format requires a mapping");
        }
        String key = text.substring(at, end);
        at = end + 1;
        byName = true;
        Object value = Comparison.get(map, key);
        if (Frame.missing(value)) {
            throw new JinjaException(JinjaException.Kind.LOOKUP, Repr.quote(key));
        }
        return value;
    }

    private char size(char first, boolean isPrecision) {
        char c = first;
        long size = 0;
        if (c == '*') {
            size = Numbers.index(take());
            c = next();
            if (size < 0 && !isPrecision) {
                flags += "-";
                size = -size;
            }
        } else {
            while (c >= '0' && c <= '9') {
                size = size * 10 + c - '0';
                run.make(size * 64);
                c = next();
            }
        }
        run.make(Math.max(0, size) * 64);
        if (isPrecision) {
            precision = Math.max(0, size);
        } else {
            width = size;
        }
        return c;
    }

    private boolean has(char flag) {
        return flags.indexOf(flag) >= 0;
    }

    private String padded(char type, Object value) {
        String sign = "";
        boolean number = "diuoxXeEfFgG".indexOf(type) >= 0;
        String body =
                switch (type) {
                    case 's', 'r', 'a' -> text(type, value);
                    case 'c' -> character(value);
                    case 'd', 'i', 'u', 'o', 'x', 'X' -> integer(type, value);
                    case 'e', 'E', 'f', 'F', 'g', 'G' -> real(type, value);
                    default ->
                            throw JinjaException.value(
                                    "unsupported format character '%s'", String.valueOf(type));
                };
        if (number) {
            boolean negative = body.startsWith("-");
            sign = negative ? "-" : has('+') ? "+" : has(' ') ? " " : "";
            body = negative ? body.substring(1) : body;
            if (has('#') && "oxX".indexOf(type) >= 0) {
                sign += "0" + type;
            }
        }
        int missing = (int) Math.max(0, width - Chars.length(sign) - Chars.length(body));
        if (has('-')) {
            return sign + body + " ".repeat(missing);
        }
        return number && has('0')
                ? sign + "0".repeat(missing) + body
                : " ".repeat(missing) + sign + body;
    }

    private String text(char type, Object value) {
        String body = type == 's' ? Repr.str(value) : Repr.repr(value);
        body = type == 'a' ? Json.ascii(body) : body;
        if (escapes) {
            body = type == 's' ? Markup.escape(value).text() : Markup.escape(body).text();
        }
        return precision >= 0 && precision < Chars.length(body)
                ? body.substring(0, body.offsetByCodePoints(0, (int) precision))
                : body;
    }

    private static String character(Object value) {
        if (Texts.isText(value) && Chars.length(Texts.of(value)) == 1) {
            return Texts.of(value);
        }
        if (!Numbers.isInteger(value)) {
            throw JinjaException.type("%%c requires int or char");
        }
        long code = Numbers.index(value);
        if (code < 0 || code > Character.MAX_CODE_POINT) {
            throw Numbers.overflow("%c arg not in range(0x110000)");
        }
        return Character.toString((int) code);
    }

    private String integer(char type, Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!Numbers.isNumber(value)) {
            throw JinjaException.type(
                    "%%%s format: a real number is required, not %s",
                    String.valueOf(type), Types.name(value));
        }
        boolean decimal = "diu".indexOf(type) >= 0;
        if (value instanceof Double && !decimal) {
            throw JinjaException.type(
                    "%%%s format: an integer is required, not float", String.valueOf(type));
        }
        Object whole = value instanceof Double number ? Numbers.truncate(number) : value;
        BigInteger number = Numbers.big(whole);
        String digits = number.abs().toString(decimal ? 10 : type == 'o' ? 8 : 16);
        digits = "0".repeat((int) Math.max(0, precision - digits.length())) + digits;
        digits = type == 'X' ? Cases.upper(digits) : digits;
        return number.signum() < 0 ? "-" + digits : digits;
    }

    private String real(char type, Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        double number = Numbers.real(value);
        int digits = precision < 0 ? 6 : (int) precision;
        String body = Floats.format(number, Character.toLowerCase(type), digits, has('#'));
        body = Character.isUpperCase(type) ? Cases.upper(body) : body;
        return number < 0 || (number == 0 && 1 / number < 0) ? "-" + body : body;
    }
}
