package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.graft.error.OutOfMemory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BlocksTest {
    private static final long MB = 1 << 20;

    private final Blocks blocks = new Blocks();

    @BeforeEach
    void onLinux() {
        assumeThat(Blocks.serves(MB)).as("blocks are for Linux").isTrue();
    }

    @Test
    void aBlockThatCameBackServesTheNextRequestOfItsSize() {
        long first = blocks.take(5 * MB);
        blocks.give(first);
        assertThat(blocks.take(5 * MB)).isEqualTo(first);
    }

    @Test
    void aBlockServesSmallerRequestsInParts() {
        long first = blocks.take(9 * MB);
        blocks.give(first);
        assertThat(blocks.take(5 * MB)).isEqualTo(first);
        assertThat(blocks.take(4 * MB)).isEqualTo(first + 5 * MB);
        assertThat(blocks.keptBytes()).isZero();
    }

    @Test
    void partsThatCameBackServeAsOneAgain() {
        long whole = blocks.take(12 * MB);
        blocks.give(whole);
        long[] parts = {blocks.take(4 * MB), blocks.take(4 * MB), blocks.take(4 * MB)};
        blocks.give(parts[0]);
        blocks.give(parts[2]);
        blocks.give(parts[1]);
        assertThat(blocks.take(12 * MB)).isEqualTo(whole);
    }

    @Test
    void keptBlocksGoBackBeforeTheWholeGrowsBeyondTheHighestUse() {
        long[] small = new long[16];
        for (int i = 0; i < small.length; i++) {
            small[i] = blocks.take(8 * MB);
        }
        for (long block : small) {
            blocks.give(block);
        }
        assertThat(blocks.keptBytes()).isEqualTo(128 * MB);
        blocks.take(100 * MB);
        // 128 MB were in use at most; 100 MB are now, so 28 MB may be kept
        assertThat(blocks.keptBytes()).isEqualTo(28 * MB);
    }

    @Test
    void trimmingGivesAllBackThatNobodyUses() {
        long used = blocks.take(MB);
        blocks.give(blocks.take(4 * MB));
        blocks.trim();
        assertThat(blocks.keptBytes()).isZero();
        blocks.give(used);
        assertThat(blocks.keptBytes()).isEqualTo(MB);
    }

    @Test
    void aBlockComesBackOnce() {
        long block = blocks.take(MB);
        blocks.give(block);
        assertThatThrownBy(() -> blocks.give(block)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void moreThanTheSystemHasIsOutOfMemory() {
        assertThatThrownBy(() -> blocks.take(1L << 56))
                .isInstanceOf(OutOfMemory.class)
                .hasMessageContaining("expected enough memory");
    }

    @Test
    void aViewKeepsTheBlockOfATensorThatWasClosed() {
        long before;
        try (var _ = Scope.open()) {
            Tensor t = Tensor.full(DType.F32, 3, 1024, 1024 + 8);
            before = Blocks.shared().keptBytes();
            Tensor row = t.narrow(0, 5, 1);
            t.close();
            assertThat(Blocks.shared().keptBytes()).isEqualTo(before);
            assertThat(row.toFloats()).containsOnly(3f);
        }
        assertThat(Blocks.shared().keptBytes()).isGreaterThanOrEqualTo(before + 4 * MB);
    }
}
