package dev.graft.nn;

import dev.graft.tensor.Tensor;

/// Rows in parts, for what looks at one row at a time. A tile has as many rows as they are wide
/// (Bekman et al. 2025), so that a weight is no larger than what it is multiplied with; but no
/// fewer than products need to be fast.
///
/// @param all rows
/// @param size rows of a tile; the last may have fewer
public record Tiles(long all, long size) {
    private static final long FEWEST = 1024;

    public static Tiles of(long rows, long width) {
        return new Tiles(rows, Math.min(rows, Math.max(FEWEST, width)));
    }

    /// Everything in one.
    public static Tiles one(long rows) {
        return new Tiles(rows, rows);
    }

    public int count() {
        return size == all ? 1 : Math.toIntExact(Math.ceilDiv(all, size));
    }

    /// The rows of a tile of a matrix with all of them.
    Tensor rows(Tensor matrix, int tile) {
        long first = tile * size;
        return matrix.narrow(0, first, Math.min(size, all - first));
    }
}
