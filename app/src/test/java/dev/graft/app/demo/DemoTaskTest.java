package dev.graft.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.app.demo.DemoTask.Row;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class DemoTaskTest {
    private static final DemoTask.Split SPLIT = new DemoTask(42).split(3_000, 150);

    @Test
    void sameSeedGivesSameRows() {
        assertThat(new DemoTask(42).split(3_000, 150)).isEqualTo(SPLIT);
        assertThat(new DemoTask(43).split(3_000, 150)).isNotEqualTo(SPLIT);
    }

    @Test
    void hasAsManyRowsAsAskedAndNoPromptTwice() {
        assertThat(SPLIT.train()).hasSize(3_000);
        assertThat(SPLIT.heldOut()).hasSize(150);
        var prompts = new HashSet<String>();
        SPLIT.train().forEach(row -> prompts.add(row.prompt()));
        SPLIT.heldOut().forEach(row -> prompts.add(row.prompt()));
        assertThat(prompts).hasSize(3_150);
    }

    @Test
    void noHeldOutPairingOfPersonAndThingIsTrainedOn() {
        var trained = SPLIT.train().stream().map(DemoTaskTest::pairing).collect(Collectors.toSet());
        assertThat(SPLIT.heldOut()).map(DemoTaskTest::pairing).doesNotContainAnyElementsOf(trained);
    }

    @Test
    void everyValueStandsInTheSentence() {
        for (Row row : SPLIT.train()) {
            answer(row)
                    .properties()
                    .forEach(
                            field -> {
                                if (!field.getKey().equals("count")) {
                                    assertThat(row.prompt()).contains(field.getValue().textValue());
                                }
                            });
        }
    }

    @Test
    void answersAreWrittenInOneOrder() {
        var fact =
                new Fact(
                        "Mia",
                        new Words.Verb("buy", "bought", "bought"),
                        3,
                        "red",
                        new Words.Thing("lamp", "lamps"),
                        new Words.Placed("at", "harbour"),
                        new Words.Placed("on", "Monday"));
        assertThat(DemoTask.json(fact))
                .isEqualTo(
                        "{\"who\": \"Mia\", \"did\": \"bought\", \"count\": 3, \"colour\": \"red\","
                                + " \"what\": \"lamps\", \"where\": \"harbour\", \"when\": \"Monday\"}");
        var numbers = Words.load().numbers();
        assertThat(List.of(Phrasing.values()))
                .map(phrasing -> phrasing.tell(fact, numbers))
                .containsExactly(
                        "Mia bought three red lamps at the harbour on Monday.",
                        "Mia bought three red lamps on Monday at the harbour.",
                        "On Monday Mia bought three red lamps at the harbour.",
                        "At the harbour, Mia bought three red lamps on Monday.",
                        "It was Mia who bought three red lamps at the harbour on Monday.",
                        "Three red lamps were bought by Mia at the harbour on Monday.",
                        "Mia was at the harbour on Monday and bought three red lamps.");
    }

    private static String pairing(Row row) {
        return text(row, "who") + "@" + text(row, "what");
    }

    private static String text(Row row, String key) {
        return answer(row).path(key).asText();
    }

    private static JsonNode answer(Row row) {
        try {
            return new ObjectMapper().readTree(row.completion());
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
