package dev.graft.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/// Numbers of Python: integers without bound, and doubles.
final class Numbers {
    private static final int BITS = 1 << 14;

    private Numbers() {}

    /// An integer in its smaller form.
    static Object exact(BigInteger number) {
        return number.bitLength() < 64 ? (Object) number.longValue() : number;
    }

    static boolean isNumber(Object value) {
        return value instanceof Long
                || value instanceof Double
                || value instanceof Boolean
                || value instanceof BigInteger;
    }

    static boolean isInteger(Object value) {
        return value instanceof Long || value instanceof Boolean || value instanceof BigInteger;
    }

    static BigInteger big(Object value) {
        return switch (value) {
            case Long number -> BigInteger.valueOf(number);
            case Boolean b -> b ? BigInteger.ONE : BigInteger.ZERO;
            case BigInteger number -> number;
            case null, default ->
                    throw JinjaException.type(
                            "'%s' object cannot be interpreted as an integer", Types.name(value));
        };
    }

    /// An integer that is used as an index, a width or a count.
    static long index(Object value) {
        if (value instanceof Long number) {
            return number;
        }
        BigInteger number = big(value);
        if (number.bitLength() > 63) {
            throw overflow("cannot fit 'int' into an index-sized integer");
        }
        return number.longValue();
    }

    static JinjaException overflow(String text) {
        return new JinjaException(JinjaException.Kind.OVERFLOW, text);
    }

    static double real(Object value) {
        if (value instanceof Double number) {
            return number;
        }
        if (!isInteger(value)) {
            throw JinjaException.type("must be real number, not %s", Types.name(value));
        }
        double number = value instanceof Long l ? l : big(value).doubleValue();
        if (Double.isInfinite(number)) {
            throw overflow("int too large to convert to float");
        }
        return number;
    }

    static Object add(Object left, Object right) {
        if (left instanceof Long a && right instanceof Long b) {
            long sum = a + b;
            return ((a ^ sum) & (b ^ sum)) < 0 ? exact(big(a).add(big(b))) : (Object) sum;
        }
        return isReal(left, right)
                ? (Object) (real(left) + real(right))
                : exact(big(left).add(big(right)));
    }

    static Object subtract(Object left, Object right) {
        return isReal(left, right)
                ? (Object) (real(left) - real(right))
                : exact(big(left).subtract(big(right)));
    }

    static Object multiply(Object left, Object right) {
        if (isReal(left, right)) {
            return real(left) * real(right);
        }
        BigInteger a = big(left);
        BigInteger b = big(right);
        checkBits((double) a.bitLength() + b.bitLength());
        return exact(a.multiply(b));
    }

    private static boolean isReal(Object left, Object right) {
        return left instanceof Double || right instanceof Double;
    }

    private static void checkBits(double bits) {
        if (bits > BITS) {
            throw JinjaException.limit("an integer of more than %,d bits", BITS);
        }
    }

    static Object divide(Object left, Object right) {
        if (isZero(right)) {
            throw zero(isReal(left, right) ? "float division by zero" : "division by zero");
        }
        if (isReal(left, right) || (isSmall(left) && isSmall(right))) {
            return real(left) / real(right);
        }
        // exact to more digits than a double has, then rounded once
        var a = new BigDecimal(big(left));
        double quotient =
                a.divide(new BigDecimal(big(right)), new java.math.MathContext(60)).doubleValue();
        if (Double.isInfinite(quotient)) {
            throw overflow("integer division result too large for a float");
        }
        return quotient;
    }

    private static boolean isSmall(Object integer) {
        return big(integer).bitLength() <= 53;
    }

    private static boolean isZero(Object number) {
        return number instanceof Double d ? d == 0 : big(number).signum() == 0;
    }

    private static JinjaException zero(String text) {
        return new JinjaException(JinjaException.Kind.ZERO_DIVISION, text);
    }

    static Object floorDivide(Object left, Object right) {
        if (isZero(right)) {
            throw zero(
                    isReal(left, right)
                            ? "float floor division by zero"
                            : "integer division or modulo by zero");
        }
        if (!isReal(left, right)) {
            BigInteger[] parts = big(left).divideAndRemainder(big(right));
            boolean below = parts[1].signum() != 0 && parts[1].signum() != big(right).signum();
            return exact(below ? parts[0].subtract(BigInteger.ONE) : parts[0]);
        }
        double a = real(left);
        double b = real(right);
        double quotient = (a - realModulo(a, b)) / b;
        double floor = Math.floor(quotient);
        if (quotient - floor > 0.5) {
            floor += 1;
        }
        return quotient == 0 ? Math.copySign(0.0, a / b) : floor;
    }

    static Object modulo(Object left, Object right) {
        if (isZero(right)) {
            throw zero(isReal(left, right) ? "float modulo" : "integer modulo by zero");
        }
        if (isReal(left, right)) {
            return realModulo(real(left), real(right));
        }
        BigInteger b = big(right);
        BigInteger rest = big(left).mod(b.abs());
        return exact(b.signum() < 0 && rest.signum() != 0 ? rest.add(b) : rest);
    }

    private static double realModulo(double a, double b) {
        double rest = a % b;
        if (rest == 0) {
            return Math.copySign(0.0, b);
        }
        return (rest < 0) == (b < 0) ? rest : rest + b;
    }

    static Object power(Object left, Object right) {
        if (!isReal(left, right) && big(right).signum() >= 0) {
            BigInteger base = big(left);
            BigInteger exponent = big(right);
            boolean unit = base.abs().compareTo(BigInteger.ONE) <= 0;
            if (!unit) {
                checkBits(base.bitLength() * exponent.doubleValue());
            }
            boolean odd = exponent.testBit(0);
            int times =
                    unit ? (exponent.signum() == 0 ? 0 : odd ? 1 : 2) : exponent.intValueExact();
            return exact(base.pow(times));
        }
        double base = real(left);
        double exponent = real(right);
        if (base == 0 && exponent < 0) {
            throw zero("0.0 cannot be raised to a negative power");
        }
        if (base < 0 && exponent != Math.rint(exponent) && !Double.isInfinite(exponent)) {
            throw JinjaException.value("a complex number, which templates here do not have");
        }
        if (base == 1 || (base == -1 && Double.isInfinite(exponent))) {
            return 1.0;
        }
        double result = Math.pow(base, exponent);
        if (Double.isInfinite(result) && !Double.isInfinite(base) && !Double.isInfinite(exponent)) {
            throw overflow("(34, 'Numerical result out of range')");
        }
        return result;
    }

    static Object negate(Object value) {
        return value instanceof Double number ? (Object) (-number) : exact(big(value).negate());
    }

    static Object absolute(Object value) {
        return value instanceof Double number ? (Object) Math.abs(number) : exact(big(value).abs());
    }

    /// `int(x)` of a double.
    static Object truncate(double number) {
        if (Double.isNaN(number)) {
            throw JinjaException.value("cannot convert float NaN to integer");
        }
        if (Double.isInfinite(number)) {
            throw overflow("cannot convert float infinity to integer");
        }
        return exact(new BigDecimal(number).toBigInteger());
    }

    /// `round(x, digits)`: half to even, on the exact value of the double.
    static Object round(Object value, long digits) {
        if (value instanceof Double number) {
            if (Double.isNaN(number) || Double.isInfinite(number) || digits > 400) {
                return number;
            }
            int places = (int) Math.max(digits, -400);
            var rounded = new BigDecimal(number).setScale(places, RoundingMode.HALF_EVEN);
            return Math.copySign(rounded.doubleValue(), number);
        }
        if (digits >= 0) {
            return exact(big(value));
        }
        int places = (int) Math.max(digits, -100_000);
        var rounded = new BigDecimal(big(value)).setScale(places, RoundingMode.HALF_EVEN);
        return exact(rounded.toBigInteger());
    }

    /// `int(text, base)`.
    static Object parseInteger(String text, long base) {
        String digits = Chars.strip(text);
        boolean negative = digits.startsWith("-");
        digits = negative || digits.startsWith("+") ? digits.substring(1) : digits;
        if (base != 0 && (base < 2 || base > 36)) {
            throw JinjaException.value("int() base must be >= 2 and <= 36, or 0");
        }
        String low = digits.toLowerCase(java.util.Locale.ROOT);
        int prefix =
                low.startsWith("0x") ? 16 : low.startsWith("0o") ? 8 : low.startsWith("0b") ? 2 : 0;
        int radix = (int) base;
        if (prefix != 0 && (base == 0 || base == prefix)) {
            digits = digits.substring(2);
            digits = digits.startsWith("_") ? digits.substring(1) : digits;
            radix = prefix;
        } else if (base == 0) {
            radix = 10;
            if (digits.startsWith("0") && !digits.matches("0(_?0)*")) {
                digits = "";
            }
        }
        if (!isDigits(digits, radix)) {
            throw JinjaException.value(
                    "invalid literal for int() with base %d: %s", base, Repr.quote(text));
        }
        String plain = digits.replace("_", "");
        if (plain.length() > 4300) {
            throw JinjaException.value("Exceeds the limit (4300 digits) for integer conversion");
        }
        var number = new BigInteger(plain, radix);
        return exact(negative ? number.negate() : number);
    }

    private static boolean isDigits(String text, int radix) {
        boolean underscore = true;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '_' ? underscore : Character.digit(c, radix) < 0) {
                return false;
            }
            underscore = c == '_';
        }
        return !underscore;
    }

    /// `float(text)`.
    static double parseReal(String text) {
        String number = Chars.strip(text);
        String low = number.toLowerCase(java.util.Locale.ROOT);
        String name = low.startsWith("-") || low.startsWith("+") ? low.substring(1) : low;
        double sign = low.startsWith("-") ? -1 : 1;
        if (name.equals("inf") || name.equals("infinity")) {
            return sign * Double.POSITIVE_INFINITY;
        }
        if (name.equals("nan")) {
            return Double.NaN;
        }
        String digits = "\\p{Nd}+(_\\p{Nd}+)*";
        String form = "[-+]?(%1$s(\\.(%1$s)?)?|\\.%1$s)([eE][-+]?%1$s)?".formatted(digits);
        if (!number.matches(form)) {
            throw JinjaException.value("could not convert string to float: %s", Repr.quote(text));
        }
        var ascii = new StringBuilder();
        number.replace("_", "")
                .codePoints()
                .forEach(
                        c ->
                                ascii.appendCodePoint(
                                        Character.isDigit(c) ? '0' + Character.digit(c, 10) : c));
        return Double.parseDouble(ascii.toString());
    }
}
