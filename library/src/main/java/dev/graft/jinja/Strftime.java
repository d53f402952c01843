package dev.graft.jinja;

import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/// `datetime.strftime` of a date without a zone, in the C locale.
final class Strftime {
    private Strftime() {}

    static String format(ZonedDateTime time, String format) {
        var out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char directive = format.charAt(++i);
            boolean unpadded = directive == '-' && i + 1 < format.length();
            if (unpadded) {
                directive = format.charAt(++i);
            }
            String text = directive(time, directive);
            out.append(unpadded ? text.replaceFirst("^[0 ]+(?=.)", "") : text);
        }
        return out.toString();
    }

    private static String directive(ZonedDateTime time, char directive) {
        int day = time.getDayOfYear();
        int weekday = time.getDayOfWeek().getValue();
        int twelve = time.getHour() % 12 == 0 ? 12 : time.getHour() % 12;
        return switch (directive) {
            case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'd' -> padded(time.getDayOfMonth(), 2);
            case 'e' -> "%2d".formatted(time.getDayOfMonth());
            case 'm' -> padded(time.getMonthValue(), 2);
            case 'y' -> padded(time.getYear() % 100, 2);
            case 'Y' -> Integer.toString(time.getYear());
            case 'C' -> padded(time.getYear() / 100, 2);
            case 'G' -> Integer.toString(time.get(IsoFields.WEEK_BASED_YEAR));
            case 'g' -> padded(time.get(IsoFields.WEEK_BASED_YEAR) % 100, 2);
            case 'H' -> padded(time.getHour(), 2);
            case 'k' -> "%2d".formatted(time.getHour());
            case 'I' -> padded(twelve, 2);
            case 'l' -> "%2d".formatted(twelve);
            case 'M' -> padded(time.getMinute(), 2);
            case 'S' -> padded(time.getSecond(), 2);
            case 'f' -> padded(time.get(ChronoField.MICRO_OF_SECOND), 6);
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'P' -> time.getHour() < 12 ? "am" : "pm";
            case 'j' -> padded(day, 3);
            case 'w' -> Integer.toString(weekday % 7);
            case 'u' -> Integer.toString(weekday);
            case 'U' -> padded((day + 6 - weekday % 7) / 7, 2);
            case 'W' -> padded((day + 6 - (weekday - 1)) / 7, 2);
            case 'V' -> padded(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2);
            case 's' -> Long.toString(time.toEpochSecond());
            case 'c' -> format(time, "%a %b %e %H:%M:%S %Y");
            case 'x', 'D' -> format(time, "%m/%d/%y");
            case 'X', 'T' -> format(time, "%H:%M:%S");
            case 'r' -> format(time, "%I:%M:%S %p");
            case 'R' -> format(time, "%H:%M");
            case 'F' -> format(time, "%Y-%m-%d");
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'z', 'Z' -> "";
            case '%' -> "%";
            default -> "%" + directive;
        };
    }

    private static String padded(int number, int width) {
        return ("%0" + width + "d").formatted(number);
    }
}
