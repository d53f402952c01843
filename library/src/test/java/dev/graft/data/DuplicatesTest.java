package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DuplicatesTest {
    @Test
    void severalPassesCountWhatOneSetCounts() {
        long[] hashes = new Random(7).longs(5000, -900, 900).map(Shuffle::mix).toArray();
        hashes[17] = 0;
        hashes[18] = 0;
        int expected = (int) (hashes.length - Arrays.stream(hashes).distinct().count());

        for (int part : new int[] {64, 700, 5000, 1 << 20}) {
            assertThat(
                            Duplicates.count(
                                    hashes.length, () -> Arrays.stream(hashes).iterator(), part))
                    .isEqualTo(expected);
        }
    }

    @Test
    void marksTellExamplesApart() {
        long trained = Duplicates.hash(Example.completion(1, 5, 6, 7));

        assertThat(Duplicates.hash(Example.completion(1, 5, 6, 7))).isEqualTo(trained);
        assertThat(Duplicates.hash(Example.completion(2, 5, 6, 7))).isNotEqualTo(trained);
        assertThat(Duplicates.hash(Example.completion(1, 5, 6, 7, 0))).isNotEqualTo(trained);
    }
}
