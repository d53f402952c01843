package dev.graft.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class DemoCorpusTest {
    private static final List<String> DOCUMENTS = documents(7, 4_000);

    private static List<String> documents(long seed, int count) {
        return new DemoCorpus(seed).documents(count).map(DemoCorpus.Document::whole).toList();
    }

    @Test
    void sameSeedGivesSameDocuments() {
        assertThat(documents(7, 500)).isEqualTo(DOCUMENTS.subList(0, 500));
        assertThat(documents(8, 500)).isNotEqualTo(DOCUMENTS.subList(0, 500));
    }

    @Test
    void hasNoJsonObjectAndNeverNamesTheTask() {
        assertThat(DOCUMENTS)
                .noneMatch(document -> document.contains("JSON"))
                .noneMatch(document -> document.contains("{\""))
                .noneMatch(document -> document.contains("\":"))
                .noneMatch(document -> document.contains(DemoTask.INSTRUCTION));
    }

    @Test
    void usesEveryMarkThatTheTaskNeeds() {
        for (String mark : List.of("{", "}", "\"", ":", ",", "[", "]")) {
            assertThat(DOCUMENTS).as(mark).anyMatch(document -> document.contains(mark));
        }
    }

    @Test
    void hardlyEverRepeatsItself() {
        assertThat(new HashSet<>(DOCUMENTS)).hasSizeGreaterThan(3_800);
    }

    @Test
    void answersAreTrainedAndTheirSentencesAreNot() {
        assertThat(new DemoCorpus(7).documents(1_000))
                .allMatch(d -> d.prompt().isEmpty() || d.prompt().endsWith("\n"))
                .noneMatch(d -> d.completion().isEmpty())
                .filteredOn(d -> d.prompt().isEmpty())
                .hasSizeBetween(10, 80);
    }
}
