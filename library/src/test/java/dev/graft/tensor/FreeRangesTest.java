package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FreeRangesTest {
    private final FreeRanges ranges = new FreeRanges();

    @Test
    void theSmallestRangeThatHoldsARequestServesIt() {
        ranges.add(1000, 50);
        ranges.add(2000, 20);
        ranges.add(3000, 30);
        assertThat(ranges.take(21)).isEqualTo(3000);
        assertThat(ranges.take(51)).isZero();
        assertThat(ranges.bytes()).isEqualTo(79);
    }

    @Test
    void neighboursAreJoined() {
        ranges.add(100, 10);
        ranges.add(120, 10);
        ranges.add(110, 10);
        assertThat(ranges.take(30)).isEqualTo(100);
        assertThat(ranges.bytes()).isZero();
    }

    @Test
    void whatLiesLongestIsDroppedFirstAndNoMoreThanIsWanted() {
        ranges.add(1000, 50);
        ranges.add(2000, 50);
        List<String> dropped = new ArrayList<>();
        ranges.drop(70, (address, size) -> dropped.add(address + "+" + size));
        assertThat(dropped).containsExactly("1000+50", "2030+20");
        assertThat(ranges.bytes()).isEqualTo(30);
        ranges.drop(1000, (address, size) -> dropped.add(address + "+" + size));
        assertThat(dropped).endsWith("2000+30");
        assertThat(ranges.bytes()).isZero();
    }

    /// Ten thousand requests in a space of 4,096 bytes, each byte of which has one owner.
    @Test
    void noByteIsGivenTwiceAndNoneIsLost() {
        var random = new Random(7);
        int space = 4096;
        boolean[] owned = new boolean[space];
        Map<Long, Long> used = new HashMap<>();
        ranges.add(space, space); // addresses from 4,096 on: 0 is no address
        for (int i = 0; i < 10_000; i++) {
            if (random.nextBoolean()) {
                long size = 1L + random.nextInt(200);
                long address = ranges.take(size);
                if (address != 0) {
                    used.put(address, size);
                    mark(owned, address - space, size, true);
                }
            } else if (!used.isEmpty()) {
                long address = used.keySet().iterator().next();
                long size = used.remove(address);
                mark(owned, address - space, size, false);
                ranges.add(address, size);
            }
            long inUse = used.values().stream().mapToLong(Long::longValue).sum();
            assertThat(ranges.bytes()).isEqualTo(space - inUse);
        }
        used.forEach(ranges::add);
        assertThat(ranges.take(space)).isEqualTo(space);
    }

    private static void mark(boolean[] owned, long from, long size, boolean value) {
        for (int i = (int) from; i < from + size; i++) {
            assertThat(owned[i]).isEqualTo(!value);
            owned[i] = value;
        }
    }
}
