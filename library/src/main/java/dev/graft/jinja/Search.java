package dev.graft.jinja;

/// A text that is looked for within a part of another.
final class Search {
    private final String text;
    private final String sub;
    private final int start;
    private final int end;
    private final boolean possible;

    private Search(String text, String sub, int start, int end, boolean possible) {
        this.text = text;
        this.sub = sub;
        this.start = start;
        this.end = end;
        this.possible = possible;
    }

    /// @param a what is looked for, and from where to where, in code points
    static Search of(String text, Object[] a) {
        if (!Texts.isText(a[0])) {
            throw JinjaException.type("must be str, not %s", Types.name(a[0]));
        }
        String sub = Texts.of(a[0]);
        if (Frame.missing(a[1]) && Frame.missing(a[2])) {
            return new Search(text, sub, 0, text.length(), true);
        }
        Object from = Frame.missing(a[1]) ? null : a[1];
        Object to = Frame.missing(a[2]) ? null : a[2];
        int length = Chars.length(text);
        // a beginning past the end finds nothing, not even an empty text
        boolean beyond = from != null && Numbers.isInteger(from) && Numbers.index(from) > length;
        var bounds = Sequences.Bounds.of(from, to, null, length);
        int first = text.offsetByCodePoints(0, (int) bounds.first());
        int last = text.offsetByCodePoints(first, (int) bounds.count());
        long stop = to == null ? length : Numbers.index(to);
        stop = stop < 0 ? Math.max(0, stop + length) : stop;
        return new Search(text, sub, first, last, !beyond && stop >= bounds.first());
    }

    private long point(int index) {
        return index < 0 ? -1 : text.codePointCount(0, index);
    }

    long first() {
        int at = possible ? Needle.indexOf(text, sub, start) : -1;
        return at + sub.length() > end ? -1 : point(at);
    }

    long last() {
        int at = possible ? Needle.lastIndexOf(text, sub, end - sub.length()) : -1;
        return at < start ? -1 : point(at);
    }

    long count() {
        if (!possible) {
            return 0;
        }
        if (sub.isEmpty()) {
            return text.codePointCount(start, end) + 1L;
        }
        long count = 0;
        int at = Needle.indexOf(text, sub, start);
        while (at >= 0 && at + sub.length() <= end) {
            count++;
            at = Needle.indexOf(text, sub, at + sub.length());
        }
        return count;
    }

    boolean begins() {
        return possible && start + sub.length() <= end && text.startsWith(sub, start);
    }

    boolean ends() {
        return possible && end - sub.length() >= start && text.startsWith(sub, end - sub.length());
    }

    /// `str.replace`: the first `count` times, all times below zero.
    static String replace(Run run, String text, String old, String with, long count) {
        long times = count < 0 ? Long.MAX_VALUE : count;
        var out = new StringBuilder();
        int at = 0;
        if (old.isEmpty()) {
            for (; times > 0; times--) {
                run.append(out, with);
                if (at == text.length()) {
                    return out.toString();
                }
                int next = text.offsetByCodePoints(at, 1);
                run.append(out, text.substring(at, next));
                at = next;
            }
        }
        for (int found; times > 0 && (found = Needle.indexOf(text, old, at)) >= 0; times--) {
            run.append(out, text.substring(at, found));
            run.append(out, with);
            at = found + old.length();
        }
        if (out.isEmpty() && at == 0) {
            return text;
        }
        run.append(out, text.substring(at));
        return out.toString();
    }
}
