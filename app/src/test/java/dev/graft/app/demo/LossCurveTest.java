package dev.graft.app.demo;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.app.demo.LossCurve.Point;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LossCurveTest {
    private static final List<Point> FALLING =
            IntStream.rangeClosed(1, 400).mapToObj(i -> new Point(i, 0.5 + 4.0 / i)).toList();

    @Test
    void alwaysHasItsHeightAndNeverExceedsItsWidth() {
        for (List<Point> points :
                List.of(List.<Point>of(), FALLING.subList(0, 1), FALLING.subList(0, 2), FALLING)) {
            for (boolean unicode : List.of(true, false)) {
                assertThat(new LossCurve(60, 8, unicode).draw(points))
                        .hasSize(10)
                        .allMatch(line -> line.length() <= 60);
            }
        }
    }

    @Test
    void namesHighestAndLowestLossAndFirstAndLastStep() {
        List<String> lines = new LossCurve(60, 8, true).draw(FALLING.subList(0, 40));
        assertThat(lines.getFirst()).startsWith("   4.500 │");
        assertThat(lines.get(7)).startsWith("   0.600 │");
        assertThat(lines.getLast().strip()).startsWith("step 1 ").endsWith(" 40");
    }

    @Test
    void aFallingLossRunsFromTopLeftToBottomRight() {
        List<String> lines = new LossCurve(30, 5, false).draw(FALLING);
        assertThat(lines.get(0)).endsWith("|*");
        assertThat(lines.get(4)).hasSize(30).endsWith("*");
    }

    @Test
    void drawsWithPlainCharactersWhereTheTerminalHasNoUnicode() {
        assertThat(LossCurve.forCharset(40, 4, UTF_8).unicode()).isTrue();
        List<String> lines = LossCurve.forCharset(40, 4, US_ASCII).draw(FALLING);
        assertThat(String.join("", lines)).matches("\\p{ASCII}+");
    }

    @Test
    void leavesOutLossesThatAreNotNumbers() {
        var points = List.of(new Point(1, 2), new Point(2, Double.NaN), new Point(3, 1));
        assertThat(String.join("\n", new LossCurve(30, 3, false).draw(points)))
                .contains("2.000")
                .contains("1.000")
                .doesNotContain("NaN");
    }

    @Test
    void refusesASizeThatCannotHoldACurve() {
        assertThatThrownBy(() -> new LossCurve(10, 1, true)).hasMessageContaining("10 by 1");
    }
}
