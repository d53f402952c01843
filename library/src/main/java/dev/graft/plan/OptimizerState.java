package dev.graft.plan;

/// How AdamW keeps its two moments.
///
/// @param eightBit a byte for each moment and a float32 for 256 of them, but for small tensors
/// @param paged in a file, of which the system keeps in memory what it can
public record OptimizerState(boolean eightBit, boolean paged) {
    public static final OptimizerState ADAMW = new OptimizerState(false, false);
    public static final OptimizerState ADAMW_8BIT = new OptimizerState(true, false);

    private static final long SMALLEST_8BIT = 4096;
    private static final long BLOCK = 256;

    /// Bytes for a tensor of n numbers: 8n, or 2n + 8⌈n/256⌉.
    public long bytes(long n) {
        return eightBit && n >= SMALLEST_8BIT ? 2 * n + 8 * Math.ceilDiv(n, BLOCK) : 8 * n;
    }

    /// Bytes of the two 8-bit codes.
    public long tableBytes() {
        return eightBit ? 2 * 256 * 4 : 0;
    }
}
