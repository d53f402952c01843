package dev.graft.kernel;

/// Which numbers are dropped: a function of a seed and the place, so that a mask is made again
/// instead of kept, and is the same on every device.
///
/// @param threshold of the upper 53 bits of a place's hash, below which a number is dropped
/// @param kept what the others are multiplied by, 1 / (1 − p)
record DropoutMask(long seed, long threshold, float kept) {
    // The increment and the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
    static final long INCREMENT = 0x9E3779B97F4A7C15L;
    static final long FIRST = 0xBF58476D1CE4E5B9L;
    static final long SECOND = 0x94D049BB133111EBL;

    /// Bits of a hash that are not looked at.
    static final int UNUSED_BITS = 11;

    static DropoutMask of(double p, long seed) {
        return new DropoutMask(seed, (long) (p * (1L << 53)), (float) (1 / (1 - p)));
    }

    /// What the number at this place is multiplied by.
    float factor(long place) {
        return (hash(seed + place) >>> UNUSED_BITS) < threshold ? 0 : kept;
    }

    private static long hash(long x) {
        long z = x * INCREMENT;
        z = (z ^ (z >>> 30)) * FIRST;
        z = (z ^ (z >>> 27)) * SECOND;
        return z ^ (z >>> 31);
    }
}
