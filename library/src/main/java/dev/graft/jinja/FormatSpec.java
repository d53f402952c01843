package dev.graft.jinja;

import java.math.BigInteger;
import java.util.regex.Pattern;

/// The format language of `str.format`: `[[fill]align][sign][z][#][0][width][,][.precision][type]`.
final class FormatSpec {
    private static final Pattern FORM =
            Pattern.compile(
                    "(?:(.)?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\\d+)?([,_])?(?:\\.(\\d+))?(.)?",
                    Pattern.DOTALL);

    private final Run run;
    private final String spec;
    private String fill = " ";
    private char align;
    private String sign = "-";
    private boolean alternate;
    private int width;
    private String grouping = "";
    private int precision = -1;
    private char type;

    private FormatSpec(Run run, String spec) {
        this.run = run;
        this.spec = spec;
    }

    static String format(Run run, Object value, String spec) {
        if (spec.isEmpty()) {
            return Repr.str(value);
        }
        var format = new FormatSpec(run, spec);
        format.read(value);
        return format.apply(value);
    }

    private void read(Object value) {
        var matcher = FORM.matcher(spec);
        if (!matcher.matches()) {
            throw JinjaException.value(
                    "Invalid format specifier '%s' for object of type '%s'",
                    spec, Types.name(value));
        }
        if (matcher.group(2) != null) {
            align = matcher.group(2).charAt(0);
            fill = matcher.group(1) == null ? " " : matcher.group(1);
        }
        sign = matcher.group(3) == null ? "-" : matcher.group(3);
        alternate = matcher.group(5) != null;
        if (matcher.group(6) != null && matcher.group(1) == null) {
            fill = "0";
            boolean between = align == 0 && Numbers.isNumber(value);
            align = between ? '=' : align;
        }
        width = matcher.group(7) == null ? 0 : size(matcher.group(7));
        grouping = matcher.group(8) == null ? "" : matcher.group(8);
        precision = matcher.group(9) == null ? -1 : size(matcher.group(9));
        type = matcher.group(10) == null ? 0 : matcher.group(10).charAt(0);
        checkGrouping(value);
        if (Texts.isText(value) && matcher.group(3) != null) {
            throw JinjaException.value("Sign not allowed in string format specifier");
        }
    }

    private void checkGrouping(Object value) {
        String allowed = grouping.equals("_") ? "defgEG%FboxX\0" : "defgEG%F\0";
        boolean text = Texts.isText(value) && type == 0;
        if (!grouping.isEmpty() && (text || allowed.indexOf(type) < 0)) {
            throw JinjaException.value(
                    "Cannot specify '%s' with '%s'.", grouping, text ? "s" : String.valueOf(type));
        }
    }

    private int size(String digits) {
        if (digits.length() > 9) {
            throw JinjaException.limit("%s: too many digits in a format", digits);
        }
        int size = Integer.parseInt(digits);
        run.make(size * 64L);
        return size;
    }

    private String apply(Object value) {
        return switch (value) {
            case String text -> text(text);
            case Markup(String text) -> text(text);
            case Double number -> real(number);
            case Boolean b when type == 0 || type == 's' -> text(b ? "True" : "False");
            case Long _, BigInteger _, Boolean _ -> integer(value);
            case null, default ->
                    throw JinjaException.type(
                            "unsupported format string passed to %s.__format__", Types.name(value));
        };
    }

    private JinjaException unknown(String kind) {
        return JinjaException.value(
                "Unknown format code '%s' for object of type '%s'", String.valueOf(type), kind);
    }

    private String text(String text) {
        if (type != 0 && type != 's') {
            throw unknown("str");
        }
        if (alternate) {
            throw JinjaException.value("Alternate form (#) not allowed in string format specifier");
        }
        if (align == '=') {
            throw JinjaException.value("'=' alignment not allowed in string format specifier");
        }
        String cut =
                precision >= 0 && precision < Chars.length(text)
                        ? text.substring(0, text.offsetByCodePoints(0, precision))
                        : text;
        return pad("", cut, align == 0 ? '<' : align);
    }

    private String integer(Object value) {
        if ("eEfFgG%".indexOf(type) >= 0 && type != 0) {
            return real(Numbers.real(value));
        }
        BigInteger number = Numbers.big(value);
        if (precision >= 0) {
            throw JinjaException.value("Precision not allowed in integer format specifier");
        }
        int radix =
                switch (type) {
                    case 0, 'd', 'n', 'c' -> 10;
                    case 'b' -> 2;
                    case 'o' -> 8;
                    case 'x', 'X' -> 16;
                    default -> throw unknown("int");
                };
        if (type == 'c') {
            return pad("", Character.toString(number.intValue()), align == 0 ? '<' : align);
        }
        String digits = number.abs().toString(radix);
        digits = group(digits, radix == 10 ? 3 : 4);
        String prefix = alternate && radix != 10 ? "0" + type : "";
        if (type == 'X') {
            digits = Cases.upper(digits);
        }
        return pad(sign(number.signum() < 0) + prefix, digits, align == 0 ? '>' : align);
    }

    private String real(double number) {
        char kind = Character.toLowerCase(type);
        String text;
        if (type == 0 && precision < 0) {
            text = Floats.repr(Math.abs(number));
        } else {
            if ("efg%n\0".indexOf(kind) < 0) {
                throw unknown("float");
            }
            char form = kind == 0 || kind == 'n' ? 'g' : kind;
            text = Floats.format(number, form, precision < 0 ? 6 : precision, alternate);
            if (type == 0
                    && !text.contains(".")
                    && !text.contains("e")
                    && !text.matches("nan|inf")) {
                text += ".0";
            }
        }
        text = Character.isUpperCase(type) ? Cases.upper(text) : text;
        boolean negative = number < 0 || (number == 0 && 1 / number < 0);
        return pad(sign(negative), group(text, 3), align == 0 ? '>' : align);
    }

    private String sign(boolean negative) {
        return negative ? "-" : sign.equals("-") ? "" : sign;
    }

    /// Separators between every so many digits before the point, also in the zeros of the padding.
    private String group(String text, int size) {
        if (grouping.isEmpty()) {
            return text;
        }
        int end = 0;
        while (end < text.length()
                && Character.digit(text.charAt(end), 16) >= 0
                && text.charAt(end) != 'e') {
            end++;
        }
        String digits = text.substring(0, end);
        String tail = text.substring(end);
        if (fill.equals("0") && align == '=') {
            int room = width - tail.length() - (sign.equals("-") ? 0 : 1);
            while (digits.length() + (digits.length() - 1) / size < room) {
                digits = "0" + digits;
            }
        }
        var out = new StringBuilder(digits);
        for (int i = digits.length() - size; i > 0; i -= size) {
            out.insert(i, grouping);
        }
        return out + tail;
    }

    private String pad(String head, String text, char side) {
        int missing = Math.max(0, width - Chars.length(head) - Chars.length(text));
        String all = fill.repeat(missing);
        return switch (side) {
            case '<' -> head + text + all;
            case '^' -> fill.repeat(missing / 2) + head + text + fill.repeat(missing - missing / 2);
            case '=' -> head + all + text;
            default -> all + head + text;
        };
    }
}
