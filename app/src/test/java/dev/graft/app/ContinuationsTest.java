package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.app.demo.DemoBase;
import dev.graft.app.demo.DemoTask;
import dev.graft.error.ConfigException;
import dev.graft.generate.GenerationOptions;
import dev.graft.generate.Generator;
import dev.graft.tensor.Scope;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContinuationsTest {
    private static final int MOST = 40;

    @TempDir private static Path folder;

    private static List<String> prompts;

    @BeforeAll
    static void unpack() {
        DemoBase.unpack(folder);
        prompts = new DemoTask(3).split(20, 1).train().stream().map(DemoTask.Row::prompt).toList();
    }

    /// Texts end at different times, so that others take their places in the middle of a batch.
    @Test
    void textsThatEndAtDifferentTimesAreTheSameAsAlone() {
        long before = Scope.liveBytes();
        try (OpenModel open = OpenModel.open(folder, null);
                var generator = new Generator(open.model(), open.tokenizer())) {
            Set<Integer> lengths = new HashSet<>();
            Map<Integer, String> expected = new TreeMap<>();
            for (String prompt : prompts) {
                var alone = generator.generate(prompt, drawn(expected.size()), _ -> {});
                lengths.add(alone.ids().length);
                expected.put(expected.size(), alone.text());
            }
            assertThat(lengths).hasSizeGreaterThan(3);
            Map<Integer, String> found = new TreeMap<>();
            generator.generateAll(
                    prompts, drawn(0), 5, (made, number) -> found.put(number, made.text()));
            assertThat(found).isEqualTo(expected);
        }
        assertThat(Scope.liveBytes()).isEqualTo(before);
    }

    private static GenerationOptions drawn(int number) {
        return new GenerationOptions(MOST, 4, 50, 1, 1, 7 + number);
    }

    @Test
    void aPromptThatFillsTheContextFreesWhatOthersHold() {
        long before = Scope.liveBytes();
        try (OpenModel open = OpenModel.open(folder, null);
                var generator = new Generator(open.model(), open.tokenizer())) {
            List<String> some = List.of(prompts.getFirst(), "word ".repeat(5000), "x");
            assertThatThrownBy(
                            () ->
                                    generator.generateAll(
                                            some, GenerationOptions.greedy(9), 3, (_, _) -> {}))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("max_position_embeddings");
        }
        assertThat(Scope.liveBytes()).isEqualTo(before);
    }
}
