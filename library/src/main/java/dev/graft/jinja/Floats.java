package dev.graft.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;

/// How Python writes doubles.
final class Floats {
    private Floats() {}

    /// `repr`: the fewest digits that read back as the same number.
    static String repr(double number) {
        if (Double.isNaN(number)) {
            return "nan";
        }
        if (Double.isInfinite(number)) {
            return number > 0 ? "inf" : "-inf";
        }
        if (number == Math.rint(number) && Math.abs(number) < 1e15) {
            long whole = (long) number;
            return whole == 0 && 1 / number < 0 ? "-0.0" : whole + ".0";
        }
        BigDecimal digits = shortest(number);
        String sign = digits.signum() < 0 ? "-" : "";
        String text = digits.unscaledValue().abs().toString();
        int exponent = text.length() - 1 - digits.scale();
        return sign + layout(text, exponent, exponent < -4 || exponent >= 16, true, 2);
    }

    private static BigDecimal shortest(double number) {
        var digits = new BigDecimal(Double.toString(number)).stripTrailingZeros();
        if (digits.precision() == 2) {
            // Java gives two digits where one is enough
            var one = digits.round(new java.math.MathContext(1, RoundingMode.HALF_EVEN));
            if (one.doubleValue() == number) {
                return one.stripTrailingZeros();
            }
        }
        return digits;
    }

    /// Digits with a point or an exponent.
    ///
    /// @param point whether a whole number shows `.0`
    private static String layout(
            String digits, int exponent, boolean scientific, boolean point, int exponentDigits) {
        if (scientific) {
            String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
            return digits.charAt(0) + fraction + exponent(exponent, exponentDigits);
        }
        if (exponent < 0) {
            return "0." + "0".repeat(-exponent - 1) + digits;
        }
        if (digits.length() <= exponent + 1) {
            String whole = digits + "0".repeat(exponent + 1 - digits.length());
            return point ? whole + ".0" : whole;
        }
        return digits.substring(0, exponent + 1) + "." + digits.substring(exponent + 1);
    }

    private static String exponent(int exponent, int digits) {
        String text = Integer.toString(Math.abs(exponent));
        return "e"
                + (exponent < 0 ? "-" : "+")
                + "0".repeat(Math.max(0, digits - text.length()))
                + text;
    }

    /// `%f`, `%e`, `%g` and `%` of a finite number, without its sign.
    ///
    /// @param alternate keep the point and the zeros (`#`)
    static String format(double number, char type, int precision, boolean alternate) {
        if (Double.isNaN(number)) {
            return "nan";
        }
        if (Double.isInfinite(number)) {
            return "inf";
        }
        var value = new BigDecimal(Math.abs(number));
        return switch (type) {
            case 'f' -> fixed(value, precision, alternate);
            case '%' -> fixed(value.movePointRight(2), precision, alternate) + "%";
            case 'e' -> scientific(value, precision, alternate);
            default -> general(value, Math.max(precision, 1), alternate);
        };
    }

    private static String fixed(BigDecimal value, int precision, boolean alternate) {
        String text = value.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
        return alternate && precision == 0 ? text + "." : text;
    }

    private static String scientific(BigDecimal value, int precision, boolean alternate) {
        if (value.signum() == 0) {
            String zeros = precision > 0 ? "." + "0".repeat(precision) : alternate ? "." : "";
            return "0" + zeros + "e+00";
        }
        var rounded = value.round(new java.math.MathContext(precision + 1, RoundingMode.HALF_EVEN));
        String digits = digits(rounded, precision + 1);
        int exponent = rounded.precision() - 1 - rounded.scale();
        String text = layout(digits, exponent, true, false, 2);
        return alternate && precision == 0 ? text.replace("e", ".e") : text;
    }

    private static String digits(BigDecimal rounded, int count) {
        String digits = rounded.unscaledValue().toString();
        return digits.length() >= count
                ? digits.substring(0, count)
                : digits + "0".repeat(count - digits.length());
    }

    private static String general(BigDecimal value, int precision, boolean alternate) {
        if (value.signum() == 0) {
            return alternate ? "0." + "0".repeat(precision - 1) : "0";
        }
        var rounded = value.round(new java.math.MathContext(precision, RoundingMode.HALF_EVEN));
        String digits = digits(rounded, precision);
        int exponent = rounded.precision() - 1 - rounded.scale();
        if (!alternate) {
            digits = digits.replaceFirst("0+$", "");
        }
        boolean scientific = exponent < -4 || exponent >= precision;
        String text = layout(digits, exponent, scientific, false, 2);
        return alternate && !text.contains(".") ? text + "." : text;
    }
}
