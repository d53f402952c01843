package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.Shared;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FormatTest {
    private static Row row(String json) throws IOException {
        return new Row(Path.of("d.jsonl"), 7, (ObjectNode) new JsonMapper().readTree(json));
    }

    @Test
    void alpacaIsThePromptOfStanford() throws IOException {
        assertThat(
                        new Format.Alpaca()
                                .segments(
                                        row(
                                                "{\"instruction\":\"Add 100% of these.\",\"input\":\"1 2\",\"output\":\"3\"}")))
                .containsExactly(
                        new Segment(
                                "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n### Instruction:\nAdd 100% of these.\n\n### Input:\n1 2\n\n### Response:",
                                false),
                        new Segment("3", true));
        for (String withoutInput :
                List.of(
                        "{\"instruction\":\"Hi\",\"input\":\"\",\"output\":\"Ho\"}",
                        "{\"instruction\":\"Hi\",\"input\":null,\"output\":\"Ho\"}",
                        "{\"instruction\":\"Hi\",\"output\":\"Ho\"}")) {
            assertThat(new Format.Alpaca().segments(row(withoutInput)))
                    .containsExactly(
                            new Segment(
                                    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\nHi\n\n### Response:",
                                    false),
                            new Segment("Ho", true));
        }
    }

    @Test
    void nothingIsPutBetweenPromptAndCompletion() throws IOException {
        assertThat(
                        new Format.PromptCompletion()
                                .segments(row("{\"prompt\":\"Q: \",\"completion\":\" A\"}")))
                .containsExactly(new Segment("Q: ", false), new Segment(" A", true));
    }

    @ParameterizedTest
    @CsvSource({
        "alpaca/alpaca_random2000_seed42.jsonl, Alpaca",
        "alpaca/code_alpaca_2k.json, Alpaca",
        "tiny/torchtune_alpaca_tiny.json, Alpaca",
        "mlx_prompt_completion/train.jsonl, PromptCompletion",
        "mlx_wikisql/train.jsonl, Text",
        "llama-factory/c4_demo.jsonl, Text",
        "parquet/c4_train_200rows_zstd.parquet, Text"
    })
    void realFilesTellTheirFormatAndEveryRowFits(String name, String format) {
        try (var rows = DatasetReader.open(Shared.folder("data/datasets/" + name))) {
            var first = rows.next();
            var detected = Format.detect(first.columns());
            assertThat(detected.getClass().getSimpleName()).isEqualTo(format);
            rows.forEachRemaining(row -> assertThat(detected.segments(row)).isNotEmpty());
        }
    }

    @Test
    void theTextColumnMayHaveAnotherName() throws IOException {
        var format =
                Format.of(DatasetFormat.TEXT, "story", Set.of("story", "prompt", "completion"));

        assertThat(format.segments(row("{\"story\":\"Once\"}")))
                .containsExactly(new Segment("Once", true));
    }

    @Test
    void wrongColumnsShowWhatWasFoundAndWhatIsKnown() {
        try (var rows = DatasetReader.open(Shared.folder("data/datasets/gsm8k/test.jsonl"))) {
            var columns = rows.next().columns();
            assertThatThrownBy(() -> Format.detect(columns))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("found the columns question, answer")
                    .hasMessageContaining("alpaca: instruction, output (and input)")
                    .hasMessageContaining("prompt_completion: prompt, completion")
                    .hasMessageContaining("text: text");
        }
        assertThatThrownBy(
                        () ->
                                Format.of(
                                        DatasetFormat.ALPACA,
                                        "text",
                                        Set.of("prompt", "completion")))
                .hasMessageContaining("dataset_format alpaca");
    }

    @Test
    void aValueThatIsNoTextIsNamedWithItsRow() {
        for (String json :
                List.of(
                        "{\"prompt\":\"a\",\"completion\":3}",
                        "{\"prompt\":\"a\",\"completion\":null}",
                        "{\"prompt\":\"a\"}")) {
            assertThatThrownBy(() -> new Format.PromptCompletion().segments(row(json)))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("d.jsonl row 7")
                    .hasMessageContaining("completion");
        }
    }
}
