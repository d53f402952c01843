package dev.graft.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;

/// The filter `wordwrap`: `textwrap.wrap` of Python, line by line.
final class TextWrap {
    private static final String SPACE = "[\\t\\n\\x0b\\x0c\\r ]";
    private static final String MARK = "[\\w!\"'&.,?]";
    private static final String LETTER = "[^\\d\\W]";
    private static final Pattern CHUNK =
            Pattern.compile(
                    "(?U)"
                            + SPACE
                            + "+|(?<="
                            + MARK
                            + ")-{2,}(?=\\w)|"
                            + "[^\\t\\n\\x0b\\x0c\\r ]+?(?:-(?:(?<="
                            + LETTER
                            + "{2}-)|(?<="
                            + LETTER
                            + "-"
                            + MARK
                            + "-))(?="
                            + LETTER
                            + "-?"
                            + LETTER
                            + ")|(?="
                            + SPACE
                            + "|\\z)|(?<="
                            + MARK
                            + ")(?=-{2,}\\w))");
    private static final Pattern PLAIN = Pattern.compile(SPACE + "+|[^\\t\\n\\x0b\\x0c\\r ]+");

    private final Run run;
    private final int width;
    private final boolean breaks;
    private final boolean hyphens;

    private TextWrap(Run run, int width, boolean breaks, boolean hyphens) {
        this.run = run;
        this.width = width;
        this.breaks = breaks;
        this.hyphens = hyphens;
    }

    /// @param a the text, `width`, `break_long_words`, `wrapstring`, `break_on_hyphens`
    static Object filter(Run run, Object[] a) {
        long width = Frame.missing(a[1]) ? 79 : Numbers.index(a[1]);
        if (width <= 0) {
            throw JinjaException.value("invalid width %d (must be > 0)", width);
        }
        boolean breaks = Frame.missing(a[2]) || Truth.of(a[2]);
        String between = Frame.missing(a[3]) || a[3] == null ? "\n" : Texts.of(a[3]);
        boolean hyphens = Frame.missing(a[4]) || Truth.of(a[4]);
        var wrap = new TextWrap(run, (int) Math.min(width, Integer.MAX_VALUE / 2), breaks, hyphens);
        List<String> paragraphs = new ArrayList<>();
        for (String line : Split.lines(TextFilters.lined(a[0]), false)) {
            run.make(line.length() * 2L);
            paragraphs.add(String.join(between, wrap.wrap(line)));
        }
        return run.made(String.join(between, paragraphs));
    }

    private List<String> wrap(String line) {
        Deque<String> chunks = new ArrayDeque<>();
        var chunk = (hyphens ? CHUNK : PLAIN).matcher(line);
        while (chunk.find()) {
            chunks.add(chunk.group());
        }
        List<String> lines = new ArrayList<>();
        while (!chunks.isEmpty()) {
            if (isBlank(chunks.peek()) && !lines.isEmpty()) {
                chunks.pop();
            }
            List<String> current = fill(chunks);
            if (!current.isEmpty() && isBlank(current.getLast())) {
                current.removeLast();
            }
            if (!current.isEmpty()) {
                lines.add(String.join("", current));
            }
        }
        return lines;
    }

    private static boolean isBlank(String chunk) {
        return Chars.strip(chunk).isEmpty();
    }

    private List<String> fill(Deque<String> chunks) {
        List<String> current = new ArrayList<>();
        int length = 0;
        while (!chunks.isEmpty() && length + Chars.length(chunks.peek()) <= width) {
            length += Chars.length(chunks.peek());
            current.add(chunks.pop());
        }
        if (chunks.isEmpty() || Chars.length(chunks.peek()) <= width) {
            return current;
        }
        if (breaks) {
            String chunk = chunks.pop();
            int end = chunk.offsetByCodePoints(0, width - length);
            int hyphen = hyphens ? chunk.lastIndexOf('-', end - 1) : -1;
            if (hyphen > 0 && !chunk.substring(0, hyphen).replace("-", "").isEmpty()) {
                end = hyphen + 1;
            }
            current.add(chunk.substring(0, end));
            chunks.push(run.made(chunk.substring(end)));
        } else if (current.isEmpty()) {
            current.add(chunks.pop());
        }
        return current;
    }
}
