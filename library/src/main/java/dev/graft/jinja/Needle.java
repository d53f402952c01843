package dev.graft.jinja;

/// Looks for a text in another in a time that grows with their lengths and not with the product.
///
/// The JVM's own search is the fastest for what templates look for; a long text that nearly matches
/// everywhere would keep it busy for hours. There it is the search of Knuth, Morris and Pratt.
final class Needle {
    private static final int LONG = 32;

    private Needle() {}

    /// As [String#indexOf(String, int)].
    static int indexOf(String text, String sub, int from) {
        if (sub.length() < LONG) {
            return text.indexOf(sub, from);
        }
        return find(text, sub, Math.max(0, from), false);
    }

    /// As [String#lastIndexOf(String, int)].
    static int lastIndexOf(String text, String sub, int from) {
        if (sub.length() < LONG) {
            return text.lastIndexOf(sub, from);
        }
        int behind = text.length() - sub.length() - from;
        int found = find(text, sub, Math.max(0, behind), true);
        return found < 0 ? -1 : text.length() - sub.length() - found;
    }

    /// @param back whether both texts are read from their ends, places too
    private static int find(String text, String sub, int from, boolean back) {
        if (from + (long) sub.length() > text.length()) {
            return -1;
        }
        int[] borders = borders(sub, back);
        int same = 0;
        for (int i = from; i < text.length(); i++) {
            char c = at(text, i, back);
            while (same > 0 && at(sub, same, back) != c) {
                same = borders[same - 1];
            }
            same += at(sub, same, back) == c ? 1 : 0;
            if (same == sub.length()) {
                return i - same + 1;
            }
        }
        return -1;
    }

    /// For every beginning of the text the length of the longest end that is a beginning too.
    private static int[] borders(String sub, boolean back) {
        int[] borders = new int[sub.length()];
        int same = 0;
        for (int i = 1; i < borders.length; i++) {
            while (same > 0 && at(sub, same, back) != at(sub, i, back)) {
                same = borders[same - 1];
            }
            same += at(sub, same, back) == at(sub, i, back) ? 1 : 0;
            borders[i] = same;
        }
        return borders;
    }

    private static char at(String text, int index, boolean back) {
        return text.charAt(back ? text.length() - 1 - index : index);
    }
}
