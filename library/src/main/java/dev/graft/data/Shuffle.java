package dev.graft.data;

/// Permutations that depend on their seed alone, not on the JVM: Fisher-Yates over SplitMix64.
final class Shuffle {
    static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private Shuffle() {}

    /// The numbers below `size` in an order of their own for every seed and stream.
    static int[] permutation(int size, long seed, long stream) {
        var order = new int[size];
        for (int i = 0; i < size; i++) {
            order[i] = i;
        }
        long state = mix(seed) ^ mix(stream * GOLDEN + 1);
        for (int i = size - 1; i > 0; i--) {
            state += GOLDEN;
            // The high half of a 64-bit fraction times the bound: uniform below it.
            int j = (int) Math.unsignedMultiplyHigh(mix(state), i + 1L);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }

    static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
