package dev.graft.app;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/// Numbers as people read them.
final class Figures {
    private Figures() {}

    /// Like [String#formatted], with a point in every locale.
    @SuppressWarnings("AnnotateFormatMethod")
    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    static String count(long n) {
        return format("%,d", n);
    }

    /// `0.39 %`: three significant digits, however small.
    static String percent(double percent) {
        return new BigDecimal(percent)
                        .round(new MathContext(3))
                        .stripTrailingZeros()
                        .toPlainString()
                + " %";
    }

    static String mebibytes(long bytes) {
        double mib = bytes / (double) (1 << 20);
        return format(mib < 100 ? "%,.1f MiB" : "%,.0f MiB", mib);
    }

    /// `7 s`, `2:05`, `1:02:05`.
    static String duration(double seconds) {
        long s = Math.round(seconds);
        if (s < 60) {
            return s + " s";
        }
        return s < 3600
                ? format("%d:%02d", s / 60, s % 60)
                : format("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    }

    /// A word with its number, `1 tensor`, `3 tensors`.
    static String counted(long n, String word) {
        return count(n) + " " + word + (n == 1 ? "" : "s");
    }
}
