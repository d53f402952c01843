package dev.graft.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class DiceTest {
    private static List<Integer> rolls(long seed, long stream) {
        var dice = new Dice(seed, stream);
        var rolls = new ArrayList<Integer>();
        for (int i = 0; i < 50; i++) {
            rolls.add(dice.between(0, 1_000_000));
        }
        return rolls;
    }

    @Test
    void sameSeedAndStreamRollTheSame() {
        assertThat(rolls(42, 7)).isEqualTo(rolls(42, 7));
    }

    @Test
    void neighbouringStreamsShareNothingNotEvenShifted() {
        var all = new HashSet<Integer>();
        for (long seed = 42; seed < 46; seed++) {
            for (long stream = 0; stream < 50; stream++) {
                all.addAll(rolls(seed, stream));
            }
        }
        assertThat(all).hasSizeGreaterThan(9_900); // of 10,000
    }

    @Test
    void shufflingKeepsEveryItem() {
        var items = List.of(1, 2, 3, 4, 5, 6);
        assertThat(new Dice(1, 1).shuffled(items)).containsExactlyInAnyOrderElementsOf(items);
        assertThat(new Dice(1, 1).some(items, 9)).hasSize(6).doesNotHaveDuplicates();
    }
}
