package dev.graft.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.app.demo.BpeTrainer.Merge;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BpeTrainerTest {
    @Test
    void mergesTheMostFrequentPairFirst() {
        assertThat(BpeTrainer.train(Stream.of("low low low lower newest newest"), 3, 2))
                .containsExactly(new Merge("l", "o"), new Merge("lo", "w"), new Merge("e", "s"));
    }

    @Test
    void countsOverlappingPairsAsOftenAsTheyCanBeMerged() {
        List<Merge> merges = BpeTrainer.train(Stream.of("aaaa aaaa"), 5, 1);
        assertThat(merges).containsExactly(new Merge("a", "a"), new Merge("aa", "aa"));
    }

    @Test
    void neverJoinsSpaces() {
        assertThat(BpeTrainer.train(Stream.of("ab ab ab (ab (cd"), 9, 1))
                .containsExactly(new Merge("a", "b"), new Merge("c", "d"));
    }

    @Test
    void neverMergesDigitsOrMarks() {
        assertThat(BpeTrainer.train(Stream.of("12 12 ?! ?! ab12 ab, ab,"), 9, 1))
                .containsExactly(new Merge("a", "b"));
    }

    @Test
    void stopsWhereNoPairIsFrequentEnough() {
        assertThat(BpeTrainer.train(Stream.of("ab ab cd"), 9, 2))
                .containsExactly(new Merge("a", "b"));
    }
}
