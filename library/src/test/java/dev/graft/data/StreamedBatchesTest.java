package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.Shared;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamedBatchesTest {
    private static Tokenizer stories;

    @TempDir private Path folder;

    @BeforeAll
    static void load() {
        stories = Tokenizer.load(Shared.folder("models/stories260K"));
    }

    @AfterAll
    static void close() {
        if (stories != null) {
            stories.close();
        }
    }

    private DatasetSource numbered(int rows) throws IOException {
        Path file = folder.resolve(rows + ".jsonl");
        Files.writeString(
                file,
                IntStream.range(0, rows)
                        .mapToObj(i -> "{\"text\":\"number " + i + ".\"}")
                        .collect(Collectors.joining("\n")));
        return new DatasetSource(List.of(file), DatasetFormat.AUTO, "text", false);
    }

    private static StreamedBatches batches(DatasetSource source, int heldOut, boolean shuffle) {
        return new StreamedBatches(
                source, new Tokenization(stories, 64, true), heldOut, 4, 42, shuffle);
    }

    private static List<String> texts(Batch batch) {
        var texts = new ArrayList<String>();
        for (int b = 0; b < batch.sequences(); b++) {
            int[] ids =
                    java.util.Arrays.copyOfRange(
                            batch.ids(), batch.offsets()[b], batch.offsets()[b + 1]);
            texts.add(stories.decode(ids, true).strip());
        }
        return texts;
    }

    private static List<String> epoch(BatchStream batches) {
        var texts = new ArrayList<String>();
        do {
            texts.addAll(texts(batches.next()));
        } while (batches.cursor().position() > 0);
        return texts;
    }

    private static List<String> numbers(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> "number " + i + ".").toList();
    }

    @Test
    void everyEpochHasEveryExampleOnceInAnOrderOfItsOwn() throws IOException {
        // more rows than the buffer holds
        try (var batches = batches(numbered(2502), 0, true)) {
            List<String> first = epoch(batches);
            assertThat(batches.cursor()).isEqualTo(new SampleOrder.Cursor(1, 0));
            List<String> second = epoch(batches);
            assertThat(first).containsExactlyInAnyOrderElementsOf(numbers(0, 2502));
            assertThat(second).containsExactlyInAnyOrderElementsOf(numbers(0, 2502));
            assertThat(first).isNotEqualTo(second).isNotEqualTo(numbers(0, 2502));
        }
    }

    @Test
    void withoutShufflingTheOrderIsThatOfTheFileAndTheFirstAreHeldOut() throws IOException {
        try (var batches = batches(numbered(10), 3, false)) {
            assertThat(epoch(batches)).isEqualTo(numbers(3, 10));
            assertThat(epoch(batches)).isEqualTo(numbers(3, 10));
        }
    }

    @Test
    void theLastBatchOfAnEpochMayBeSmaller() throws IOException {
        try (var batches = batches(numbered(6), 0, true)) {
            assertThat(batches.next().sequences()).isEqualTo(4);
            assertThat(batches.next().sequences()).isEqualTo(2);
            assertThat(batches.next().sequences()).isEqualTo(4);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 300, 626, 700})
    void aResumedRunSeesExactlyTheBatchesThatAreLeft(int before) throws IOException {
        DatasetSource source = numbered(2502);
        try (var straight = batches(source, 0, true);
                var resumed = batches(source, 0, true)) {
            for (int i = 0; i < before; i++) {
                straight.next();
            }
            resumed.seek(straight.cursor());
            for (int i = 0; i < 20; i++) {
                assertThat(resumed.next()).isEqualTo(straight.next());
            }
        }
    }

    @Test
    void aCheckpointOfALongerDataSetIsRefused() throws IOException {
        try (var batches = batches(numbered(10), 0, true)) {
            assertThatThrownBy(() -> batches.seek(new SampleOrder.Cursor(0, 11)))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("example 11");
        }
    }

    @Test
    void dataOfWhichNothingIsLeftAreRefused() throws IOException {
        try (var batches = batches(numbered(3), 3, true)) {
            assertThatThrownBy(batches::next)
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("no token is trained");
        }
    }

    @Test
    void aBadLineEndsTheRunOrIsSkipped() throws IOException {
        Path file = folder.resolve("bad.jsonl");
        Files.writeString(file, "{\"text\":\"a\"}\n{\"text\":\n\n{\"text\":\"b\"}\n[]\n");
        var strict = new DatasetSource(List.of(file), DatasetFormat.AUTO, "text", false);
        var lenient = new DatasetSource(List.of(file), DatasetFormat.AUTO, "text", true);
        var tokenization = new Tokenization(stories, 64, true);

        assertThatThrownBy(() -> Dataset.load(strict, tokenization))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("bad.jsonl line 2")
                .hasMessageContaining("skip_bad_rows");
        Dataset loaded = Dataset.load(lenient, tokenization);
        assertThat(loaded.size()).isEqualTo(2);
        assertThat(loaded.report().skipped()).isEqualTo(2);
        assertThat(loaded.report().toString()).contains("2 bad rows skipped");
    }

    @Test
    void aRowThatIsNotWhatItsFormatWantsEndsTheRunOrIsSkipped() throws IOException {
        Path file = folder.resolve("odd.jsonl");
        Files.writeString(
                file, "{\"text\":\"a\"}\n{\"text\":null}\n{\"no\":1}\n{\"text\":\"b\"}\n");
        var strict = new DatasetSource(List.of(file), DatasetFormat.AUTO, "text", false);
        var lenient = new DatasetSource(List.of(file), DatasetFormat.AUTO, "text", true);
        var tokenization = new Tokenization(stories, 64, true);

        assertThatThrownBy(() -> Dataset.load(strict, tokenization))
                .hasMessageContaining("odd.jsonl row 2: found nothing in column text")
                .hasMessageContaining("skip_bad_rows");
        Dataset loaded = Dataset.load(lenient, tokenization);
        assertThat(loaded.size()).isEqualTo(2);
        assertThat(loaded.report().rows()).isEqualTo(2);
        assertThat(loaded.report().skipped()).isEqualTo(2);

        Files.writeString(file, "{\"text\":3}\n");
        assertThatThrownBy(() -> Dataset.load(lenient, tokenization))
                .hasMessageContaining("all rows are bad, such as ")
                .hasMessageContaining("row 1: found 3 in column text");
    }
}
