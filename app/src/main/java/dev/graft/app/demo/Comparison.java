package dev.graft.app.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What the model wrote before and after training beside what was expected, as a terminal table.
public record Comparison(List<Sample> samples) {
    private static final int MOST_LINES = 6;
    private static final String GAP = " | ";

    /// One prompt and the three texts that follow it.
    public record Sample(String prompt, String before, String after, String expected) {
        boolean exact() {
            return after.strip().equals(expected.strip());
        }
    }

    public Comparison {
        samples = List.copyOf(samples);
    }

    /// The table, no line longer than `width`; texts wrap, and end in `...` after six lines.
    public List<String> lines(int width) {
        int column = (width - 2 * GAP.length()) / 3;
        if (column < 8) {
            throw new IllegalArgumentException("a comparison needs 30 columns, got " + width);
        }
        var lines = new ArrayList<String>();
        for (Sample sample : samples) {
            lines.add("=".repeat(width));
            lines.addAll(wrap(sample.prompt().strip(), width));
            lines.add("-".repeat(width));
            String after = sample.exact() ? "after (exact)" : "after";
            lines.add(row(List.of("before", after, "expected"), column));
            lines.addAll(
                    sideBySide(
                            List.of(
                                    cell(sample.before(), column),
                                    cell(sample.after(), column),
                                    cell(sample.expected(), column)),
                            column));
        }
        return lines;
    }

    private static List<String> sideBySide(List<List<String>> cells, int column) {
        int height = cells.stream().mapToInt(List::size).max().orElse(0);
        return IntStream.range(0, height)
                .mapToObj(
                        row ->
                                row(
                                        cells.stream()
                                                .map(cell -> row < cell.size() ? cell.get(row) : "")
                                                .toList(),
                                        column))
                .toList();
    }

    private static String row(List<String> cells, int column) {
        return cells.stream()
                .map(cell -> cell + " ".repeat(column - length(cell)))
                .collect(Collectors.joining(GAP))
                .stripTrailing();
    }

    private static List<String> cell(String text, int column) {
        List<String> lines = wrap(text.strip(), column);
        if (lines.size() <= MOST_LINES) {
            return lines;
        }
        var cut = new ArrayList<>(lines.subList(0, MOST_LINES - 1));
        cut.add("...");
        return cut;
    }

    /// Breaks at line ends and spaces, and inside a word that is longer than a line.
    private static List<String> wrap(String text, int width) {
        var lines = new ArrayList<String>();
        for (String paragraph : printable(text).split("\n", -1)) {
            var line = new StringBuilder();
            for (String word : paragraph.split(" ", -1)) {
                if (!line.isEmpty() && length(line) + 1 + length(word) > width) {
                    lines.add(line.toString());
                    line.setLength(0);
                }
                line.append(line.isEmpty() ? "" : " ").append(word);
                while (length(line) > width) {
                    int end = line.offsetByCodePoints(0, width);
                    lines.add(line.substring(0, end));
                    line.delete(0, end);
                }
            }
            lines.add(line.toString());
        }
        return lines;
    }

    /// A terminal must not obey what a model writes: control characters become spaces.
    private static String printable(String text) {
        return text.replaceAll("[\\p{Cntrl}&&[^\n]]", " ");
    }

    private static int length(CharSequence text) {
        return Character.codePointCount(text, 0, text.length());
    }
}
