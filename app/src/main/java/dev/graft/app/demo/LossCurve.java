package dev.graft.app.demo;

import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/// Draws a loss curve in a terminal: braille dots, or plain ASCII where the terminal has no
/// Unicode.
///
/// Each column shows the mean of its steps, and the scale runs from the lowest to the highest mean.
/// The drawing is always `height` + 2 lines of at most `width` characters.
public record LossCurve(int width, int height, boolean unicode) {
    private static final int MARGIN = 9; // "  12.345 " before the axis
    private static final int[][] DOTS = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

    /// The loss of one step.
    public record Point(long step, double loss) {}

    public LossCurve {
        if (width < MARGIN + 11 || height < 2) {
            throw new IllegalArgumentException(
                    "a curve needs at least 20 by 2 characters, got " + width + " by " + height);
        }
    }

    /// Braille where `charset` can write it.
    public static LossCurve forCharset(int width, int height, Charset charset) {
        return new LossCurve(width, height, charset.newEncoder().canEncode('⣿'));
    }

    /// The lines to print; points without a finite loss are left out.
    public List<String> draw(List<Point> points) {
        List<Point> finite = points.stream().filter(p -> Double.isFinite(p.loss())).toList();
        double[] means = means(finite, columns() * across());
        double low = shown(means).min().orElse(0);
        double high = shown(means).max().orElse(1);
        boolean[][] dots = dots(means, low, Math.max(high - low, 1e-9));
        var lines = new ArrayList<String>();
        for (int row = 0; row < height; row++) {
            double label = high - (high - low) * row / (height - 1);
            boolean labelled = !finite.isEmpty() && (row == 0 || row == height - 1);
            String margin =
                    labelled ? String.format(Locale.ROOT, "%8.3f ", label) : " ".repeat(MARGIN);
            lines.add((margin + bar() + cells(dots, row)).stripTrailing());
        }
        lines.add(" ".repeat(MARGIN) + corner() + floor().repeat(columns()));
        lines.add(steps(finite));
        return lines;
    }

    private int columns() {
        return width - MARGIN - 1;
    }

    private int across() {
        return unicode ? 2 : 1;
    }

    private int down() {
        return unicode ? 4 : 1;
    }

    /// Which dots are set, by column and by row from the top.
    private boolean[][] dots(double[] means, double low, double range) {
        int rows = height * down();
        var dots = new boolean[means.length][rows];
        int before = -1;
        for (int x = 0; x < means.length; x++) {
            if (Double.isNaN(means[x])) {
                continue;
            }
            int y = (int) Math.round((rows - 1) * (1 - (means[x] - low) / range));
            dots[x][y] = true;
            // A steep fall stays one line.
            for (int between = before; unicode && before >= 0 && between != y; ) {
                between += Integer.signum(y - between);
                dots[x][between] = true;
            }
            before = y;
        }
        return dots;
    }

    /// The mean loss of the points that fall into each column; NaN where there is none.
    private static double[] means(List<Point> points, int columns) {
        var sums = new double[columns];
        var counts = new int[columns];
        if (!points.isEmpty()) {
            long first = points.getFirst().step();
            double steps = Math.max(1, points.getLast().step() - first);
            for (Point point : points) {
                int x = (int) Math.round((point.step() - first) / steps * (columns - 1));
                int within = Math.clamp(x, 0, columns - 1);
                sums[within] += point.loss();
                counts[within]++;
            }
        }
        Arrays.setAll(sums, x -> counts[x] == 0 ? Double.NaN : sums[x] / counts[x]);
        return sums;
    }

    private static DoubleStream shown(double[] means) {
        return Arrays.stream(means).filter(Double::isFinite);
    }

    private String cells(boolean[][] dots, int row) {
        var cells = new StringBuilder();
        for (int column = 0; column < columns(); column++) {
            cells.append(unicode ? braille(dots, column, row) : dots[column][row] ? '*' : ' ');
        }
        return cells.toString();
    }

    private static char braille(boolean[][] dots, int column, int row) {
        int bits = 0;
        for (int x = 0; x < 2; x++) {
            for (int y = 0; y < 4; y++) {
                bits |= dots[column * 2 + x][row * 4 + y] ? DOTS[x][y] : 0;
            }
        }
        return bits == 0 ? ' ' : (char) (0x2800 + bits);
    }

    private String steps(List<Point> points) {
        if (points.isEmpty()) {
            return " ".repeat(MARGIN + 1) + "no steps yet";
        }
        String first = "step " + points.getFirst().step();
        String last = Long.toString(points.getLast().step());
        int gap = Math.max(1, columns() - first.length() - last.length());
        return " ".repeat(MARGIN + 1) + first + " ".repeat(gap) + last;
    }

    private String bar() {
        return unicode ? "│" : "|";
    }

    private String corner() {
        return unicode ? "└" : "+";
    }

    private String floor() {
        return unicode ? "─" : "-";
    }
}
