package dev.graft.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Map;

/// The attributes and methods of numbers.
final class NumberMethods {
    static final Map<String, BoundMethod.Method> OF_INTEGER =
            Map.of(
                    "bit_length",
                    method(
                            "bit_length",
                            (_, self, _) -> (long) Numbers.big(self).abs().bitLength()),
                    "bit_count",
                    method("bit_count", (_, self, _) -> (long) Numbers.big(self).abs().bitCount()),
                    "conjugate",
                    method("conjugate", (_, self, _) -> Numbers.exact(Numbers.big(self))),
                    "as_integer_ratio",
                    method(
                            "as_integer_ratio",
                            (_, self, _) -> Tuple.of(Numbers.exact(Numbers.big(self)), 1L)));
    static final Map<String, BoundMethod.Method> OF_FLOAT =
            Map.of(
                    "is_integer",
                    method("is_integer", (_, self, _) -> isWhole((Double) self)),
                    "conjugate",
                    method("conjugate", (_, self, _) -> self),
                    "as_integer_ratio",
                    method("as_integer_ratio", (_, self, _) -> ratio((Double) self)));

    private NumberMethods() {}

    private static BoundMethod.Method method(String name, BoundMethod.Method.Body body) {
        return new BoundMethod.Method(name, Signature.of(name, "/"), body);
    }

    private static boolean isWhole(double number) {
        return !Double.isInfinite(number) && number == Math.rint(number);
    }

    private static Object ratio(double number) {
        Numbers.truncate(number);
        var exact = new BigDecimal(number);
        BigInteger below = BigInteger.TEN.pow(Math.max(0, exact.scale()));
        BigInteger above = exact.multiply(new BigDecimal(below)).toBigIntegerExact();
        BigInteger common = above.gcd(below).max(BigInteger.ONE);
        return Tuple.of(Numbers.exact(above.divide(common)), Numbers.exact(below.divide(common)));
    }

    /// The attribute, or [Frame#MISSING].
    static Object attribute(Object number, Map<String, BoundMethod.Method> methods, String name) {
        boolean integer = Numbers.isInteger(number);
        return switch (name) {
            case "real" -> integer ? Numbers.exact(Numbers.big(number)) : number;
            case "imag" -> integer ? (Object) 0L : (Object) 0.0;
            case "numerator" -> integer ? Numbers.exact(Numbers.big(number)) : Frame.MISSING;
            case "denominator" -> integer ? 1L : Frame.MISSING;
            default -> {
                var method = methods.get(name);
                yield method == null ? Frame.MISSING : new BoundMethod(number, method);
            }
        };
    }
}
