package dev.graft.hub;

import java.util.Arrays;
import java.util.regex.Pattern;

/// Names that come from outside and become paths: relative, and below the folder they are put in
/// on every system.
final class SafeName {
    private static final int LONGEST = 255;
    private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*", Pattern.DOTALL);

    private SafeName() {}

    /// Whether the name is one or more plain parts with `/` between.
    static boolean is(String name) {
        boolean plain =
                name.chars().noneMatch(c -> c < ' ' || c == 0x7f || c == '\\')
                        && !DRIVE.matcher(name).matches();
        return plain && Arrays.stream(name.split("/", -1)).allMatch(SafeName::isPart);
    }

    private static boolean isPart(String part) {
        return !part.isEmpty()
                && !part.equals(".")
                && !part.equals("..")
                && part.length() <= LONGEST;
    }

    /// The name as it can be printed: control characters would act on a terminal.
    static String shown(String name) {
        String text = name.replaceAll("\\p{Cntrl}", "?");
        return text.length() <= 120 ? text : text.substring(0, 117) + "...";
    }
}
