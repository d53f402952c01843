package dev.graft.kernel;

/// What every implementation of blockwise quantization shares.
final class BlockRounding {
    /// Blocks of smaller numbers are divided by this one.
    static final float LEAST = 1e-38f;

    private BlockRounding() {}

    /// The number of rising bounds strictly below x.
    static int index(float[] bounds, float x) {
        int low = 0;
        int high = bounds.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (bounds[middle] < x) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
