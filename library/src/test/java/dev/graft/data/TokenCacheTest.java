package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.Shared;
import dev.graft.error.ConfigException;
import dev.graft.error.TrainingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenCacheTest {
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

    private static DatasetSource source(Path file) {
        return new DatasetSource(List.of(file), DatasetFormat.AUTO, "text", false);
    }

    private static Tokenization tokenization(int maxLength) {
        return new Tokenization(stories, maxLength, true);
    }

    private TokenCache cache() {
        return new TokenCache(folder.resolve("cache"));
    }

    private List<Path> entries() throws IOException {
        try (var files = Files.list(folder.resolve("cache"))) {
            return files.sorted().toList();
        }
    }

    private Path data(String text) throws IOException {
        return Files.writeString(folder.resolve("d.jsonl"), text);
    }

    @Test
    void whatComesFromDiskEqualsWhatWasTokenized() throws IOException {
        Path file = Shared.folder("data/datasets/alpaca/alpaca_random2000_seed42.jsonl");
        Dataset direct = Dataset.load(source(file), tokenization(300));

        Dataset first = cache().load(source(file), tokenization(300));
        Dataset second = cache().load(source(file), tokenization(300));

        assertThat(entries()).hasSize(1);
        assertThat(first.report()).isEqualTo(direct.report());
        assertThat(second.report()).isEqualTo(direct.report());
        assertThat(first.inspection()).isEqualTo(direct.inspection());
        assertThat(second.inspection()).isEqualTo(direct.inspection());
        assertThat(first.examples()).isEqualTo(direct.examples());
        assertThat(second.examples()).isEqualTo(direct.examples());
        assertThat(second.tokens()).isEqualTo(direct.tokens());
        assertThat(second.trainedTokens()).isEqualTo(direct.trainedTokens());
        assertThat(second.longest(3)).isEqualTo(direct.longest(3));
        assertThat(second.split(0.1, 7).eval().examples())
                .isEqualTo(direct.split(0.1, 7).eval().examples());
        assertThat(second.split(0.1, 7).train().longest(2))
                .isEqualTo(direct.split(0.1, 7).train().longest(2));
        assertThat(second.split(0.1, 7).train().trainedTokens())
                .isEqualTo(
                        direct.split(0.1, 7).train().examples().stream()
                                .mapToLong(Example::trainedTokens)
                                .sum());
        assertThat(second.inOrder(7)).isEqualTo(direct.inOrder(7));
    }

    @Test
    void otherContentsAndOtherOptionsAreOtherEntries() throws IOException {
        Path file = data("{\"text\":\"one two\"}");
        cache().load(source(file), tokenization(8));
        cache().load(source(file), tokenization(9));
        assertThat(entries()).hasSize(2);
        assertThat(cache().load(source(file), tokenization(8)).size()).isOne();

        data("{\"text\":\"one six\"}\n{\"text\":\"b\"}");
        assertThat(cache().load(source(file), tokenization(8)).size()).isEqualTo(2);
        assertThat(entries()).hasSize(3);
    }

    @Test
    void aTouchedFileWithTheSameContentsIsNotTokenizedAgain() throws IOException {
        Path file = data("{\"text\":\"one two\"}");
        cache().load(source(file), tokenization(8));
        FileTime before = Files.getLastModifiedTime(entries().getFirst());
        Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH));
        cache().load(source(file), tokenization(8));
        assertThat(entries()).hasSize(1);
        assertThat(Files.getLastModifiedTime(entries().getFirst())).isGreaterThanOrEqualTo(before);
    }

    @Test
    void aFileThatCannotBeTokenizedLeavesNoEntry() throws IOException {
        Path file = data("{\"text\":\"one\"}\n{\"text\":2}");
        assertThatThrownBy(() -> cache().load(source(file), tokenization(8)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("row 2");
        assertThat(entries()).isEmpty();
    }

    @Test
    void anEntryThatWasCutShortIsNamed() throws IOException {
        Path file = data("{\"text\":\"one two\"}");
        cache().load(source(file), tokenization(8));
        Path entry = entries().getFirst();
        byte[] bytes = Files.readAllBytes(entry);
        for (int length : new int[] {0, 10, bytes.length - 8, bytes.length - 1}) {
            Files.write(entry, java.util.Arrays.copyOf(bytes, length));
            assertThatThrownBy(() -> cache().load(source(file), tokenization(8)))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining(entry.toString())
                    .hasMessageContaining("delete it");
        }
    }

    @Test
    void severalRunsMayMakeTheSameEntryAtATime() throws Exception {
        Path file = Shared.folder("data/datasets/tiny/litgpt_alpaca.json");
        Dataset direct = Dataset.load(source(file), tokenization(300));
        try (var runs = Executors.newFixedThreadPool(2)) {
            var made = new ArrayList<Future<Dataset>>();
            for (int i = 0; i < 2; i++) {
                made.add(runs.submit(() -> cache().load(source(file), tokenization(300))));
            }
            for (var one : made) {
                assertThat(one.get().examples()).isEqualTo(direct.examples());
            }
        }
        assertThat(entries()).hasSize(1);
    }

    @Test
    void whatWasNotUsedForAMonthGoesWithTheNextEntry() throws IOException {
        cache().load(source(data("{\"text\":\"one\"}")), tokenization(8));
        Path old = entries().getFirst();
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(31))));
        cache().load(source(data("{\"text\":\"two\"}")), tokenization(8));
        assertThat(entries()).hasSize(1).doesNotContain(old);
    }

    @Test
    void aFolderThatCannotBeWrittenIsNamed() throws IOException {
        Path file = data("{\"text\":\"one\"}");
        var cache = new TokenCache(Files.writeString(folder.resolve("f"), "x").resolve("cache"));
        assertThatThrownBy(() -> cache.load(source(file), tokenization(8)))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("cannot write")
                .hasMessageContaining("GRAFT_CACHE");
    }
}
