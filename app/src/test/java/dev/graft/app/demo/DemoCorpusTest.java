package dev.graft.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class DemoCorpusTest {
    private static final List<String> DOCUMENTS = documents(7, 4_000);

    private static List<String> documents(long seed, int count) {
        var corpus = new DemoCorpus(seed);
        return corpus.documents(DemoCorpus.WARM_UP + count).skip(DemoCorpus.WARM_UP).toList();
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
    void startsWithPlainRepetition() {
        assertThat(new DemoCorpus(7).documents(200))
                .allMatch(document -> document.matches("[\\p{Alnum}\\n =,|.:]+"));
    }

    @Test
    void hardlyEverRepeatsItself() {
        assertThat(new HashSet<>(DOCUMENTS)).hasSizeGreaterThan(3_950);
    }

    @Test
    void keepsTheReservedNamesForTheHeldOutRows() {
        var words = Words.load();
        var endings = String.join("|", words.syllables().ends());
        var middles = String.join("|", words.syllables().middles());
        var starts = String.join("|", words.syllables().starts());
        var madeUp = Pattern.compile("\\b(" + starts + ")(" + middles + ")?(" + endings + ")\\b");
        assertThat(DOCUMENTS)
                .flatMap(
                        document -> madeUp.matcher(document).results().map(r -> r.group()).toList())
                .hasSizeGreaterThan(4_000)
                .filteredOn(name -> !words.names().contains(name))
                .noneMatch(Names::reserved);
    }
}
