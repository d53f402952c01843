package dev.graft.plan;

import dev.graft.error.ConfigException;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Numbers of bytes as people read and write them.
public final class ByteSize {
    private static final Pattern TEXT =
            Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([kmgt]?)(i?)(b?)", Pattern.CASE_INSENSITIVE);
    private static final String UNITS = "kmgt";

    private ByteSize() {}

    /// `512 B`, `1.0 KiB`, `23.5 GiB`.
    public static String of(long bytes) {
        double value = bytes;
        int unit = -1;
        while (value >= 1023.95 && unit + 1 < UNITS.length()) {
            value /= 1024;
            unit++;
        }
        return unit < 0
                ? bytes + " B"
                : String.format(
                        Locale.ROOT,
                        "%.1f %siB",
                        value,
                        UNITS.substring(unit, unit + 1).toUpperCase(Locale.ROOT));
    }

    /// Reads `24GB` (24·10⁹), `24GiB` and `24G` (24·2³⁰), or a plain number of bytes.
    public static long parse(String key, String text) {
        Matcher matcher = TEXT.matcher(text.strip());
        if (!matcher.matches()) {
            throw new ConfigException(
                    "%s: found '%s', expected a size such as 24GB, 16GiB or 512MiB"
                            .formatted(key, text));
        }
        int power = UNITS.indexOf(matcher.group(2).toLowerCase(Locale.ROOT)) + 1;
        boolean decimal = matcher.group(3).isEmpty() && !matcher.group(4).isEmpty();
        if (matcher.group(2).isEmpty()) {
            power = 0;
        }
        return new BigDecimal(matcher.group(1))
                .multiply(BigDecimal.valueOf(decimal ? 1000 : 1024).pow(power))
                .longValue();
    }
}
