package dev.graft.kernel;

/// The buffers of attention's blocks, in float32, of each thread: scores of a tile, and for the
/// backward pass their gradients and the slopes of a cap. Behind each lie rows of the query heads
/// that share a key head, one head after the other: those that are read, and before them those that
/// are made.
///
/// @param group query heads that share a key head
/// @param width D
public record AttentionScratch(AttentionRule rule, int group, int width) {
    /// [threads, buffers, numbers].
    ///
    /// @param longest rows of the longest sequence
    /// @param past columns before the first row
    public long[] shape(long longest, long past, boolean backward, int threads) {
        int buffers = backward ? rule.softCap() > 0 ? 3 : 2 : 1;
        return new long[] {threads, buffers, scores(longest, past) + 2 * stacked()};
    }

    /// Numbers that the scores of a tile take at most.
    private long scores(long longest, long past) {
        int rows = AttentionBlocks.rows(group);
        long most = 0;
        for (long row = 0; row < longest; row += rows) {
            long height = Math.min(rows, longest - row);
            long columns = past + row + height - rule.firstColumn(past + row);
            most = Math.max(most, height * AttentionBlocks.tile(columns));
        }
        return most * group;
    }

    /// Numbers of the rows of a group.
    long stacked() {
        return group == 1 ? 0 : (long) AttentionBlocks.rows(group) * group * width;
    }
}
