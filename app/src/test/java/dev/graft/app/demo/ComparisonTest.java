package dev.graft.app.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.app.demo.Comparison.Sample;
import java.util.List;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private static List<String> table(Sample sample, int width) {
        return new Comparison(List.of(sample)).lines(width);
    }

    @Test
    void showsPromptThenThreeTextsSideBySide() {
        var sample = new Sample("Who?\nMia did.\n", "no idea", "Mia", "Mia");
        assertThat(table(sample, 60))
                .containsExactly(
                        "=".repeat(60),
                        "Who?",
                        "Mia did.",
                        "-".repeat(60),
                        "before             | after (exact)      | expected",
                        "no idea            | Mia                | Mia");
    }

    @Test
    void wrapsAtSpacesAndInsideLongWords() {
        var sample = new Sample("p", "one two three", "abcdefghijkl", "x");
        List<String> lines = table(sample, 30);
        assertThat(lines.subList(3, lines.size()))
                .containsExactly(
                        "before   | after    | expected",
                        "one two  | abcdefgh | x",
                        "three    | ijkl     |");
    }

    @Test
    void neverExceedsTheWidth() {
        String text = "{\"who\": \"Mia\", \"did\": \"bought\"}".repeat(9);
        assertThat(table(new Sample(text, text, text, text), 100))
                .allMatch(line -> line.length() <= 100);
    }

    @Test
    void cutsWhatRunsOnAndDisarmsControlCharacters() {
        var sample = new Sample("p", "a\nb\nc\nd\ne\nf\ng", "\u001b[31mred", "red");
        assertThat(table(sample, 60))
                .hasSize(10)
                .noneMatch(line -> line.contains("\u001b"))
                .last()
                .asString()
                .startsWith("...");
    }

    @Test
    void refusesAWidthThatCannotHoldThreeColumns() {
        var sample = new Sample("p", "a", "b", "c");
        assertThatThrownBy(() -> table(sample, 20)).hasMessageContaining("got 20");
    }
}
