package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class MixtureTest {
    /// Examples of `length` tokens whose second is their number.
    private static Dataset numbered(int first, int size, int length) {
        var examples = new ArrayList<Example>();
        for (int i = 0; i < size; i++) {
            int[] ids = new int[length];
            ids[1] = first + i;
            examples.add(Example.allTrained(ids));
        }
        return new Dataset(
                examples,
                new DatasetReport(size, size, (long) size * length, size, 0, 0, length, 0, 0, 0));
    }

    private static Map<Integer, Long> counts(Dataset dataset) {
        return dataset.examples().stream()
                .collect(Collectors.groupingBy(e -> e.ids()[1], Collectors.counting()));
    }

    @Test
    void aWeightSaysHowOftenAnExampleComes() {
        var mixed =
                Dataset.mixed(
                        List.of(numbered(0, 10, 2), numbered(100, 10, 5), numbered(200, 10, 3)),
                        List.of(2.0, 0.5, 1.3),
                        42);
        Map<Integer, Long> counts = counts(mixed);

        assertThat(mixed.size()).isEqualTo(20 + 5 + 13);
        for (int i = 0; i < 10; i++) {
            assertThat(counts.get(i)).isEqualTo(2);
            assertThat(counts.get(200 + i)).isBetween(1L, 2L);
        }
        assertThat(counts.keySet().stream().filter(n -> n >= 100 && n < 200)).hasSize(5);
        assertThat(mixed.longest(6)).containsExactly(5, 5, 5, 5, 5, 3);
        assertThat(mixed.report().rows()).isEqualTo(30);
        assertThat(mixed.report().longest()).isEqualTo(5);
    }

    @Test
    void theChoiceIsThatOfTheSeed() {
        List<Dataset> parts = List.of(numbered(0, 100, 2), numbered(100, 100, 2));
        var one = Dataset.mixed(parts, List.of(0.1, 0.1), 1);
        assertThat(Dataset.mixed(parts, List.of(0.1, 0.1), 1)).isEqualTo(one);
        assertThat(Dataset.mixed(parts, List.of(0.1, 0.1), 2)).isNotEqualTo(one);
    }

    @Test
    void whatIsJoinedKeepsItsOrderAndMayBeEmpty() {
        var joined =
                Dataset.joined(List.of(numbered(0, 2, 2), numbered(0, 0, 2), numbered(5, 2, 2)));
        assertThat(joined.examples().stream().map(e -> e.ids()[1])).containsExactly(0, 1, 5, 6);
    }
}
