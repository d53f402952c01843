package dev.graft.kernel;

import java.util.Arrays;

/// An 8-bit code: 256 values in rising order, and for any number the code of the nearest of them.
///
/// The code of x is the count of midpoints between neighbours that lie strictly below x, so that a
/// number halfway between two values gets the lower one. The search is a table over the upper 16
/// bits of x (sign, exponent, 7 bits of the fraction), which leave two codes at most, and one
/// comparison, without a branch that the processor could not predict.
public final class CodeBook {
    private static final int CODES = 256;
    private static final int CELLS = 1 << 16;

    private final float[] values;
    private final float[] bounds = new float[CODES]; // above code c; infinite above the last
    private final long[] order = new long[CODES]; // the bounds as whole numbers that rise with them
    private final byte[] lowest = new byte[CELLS]; // code of the lowest number of a cell

    /// @param values 256 in rising order
    /// @throws IllegalArgumentException if they are not, or lie so close that 16 bits cannot tell
    ///   three of them apart
    public CodeBook(float[] values) {
        if (values.length != CODES) {
            throw new IllegalArgumentException(
                    "code book: found %d values, expected 256".formatted(values.length));
        }
        this.values = values.clone();
        for (int c = 0; c < CODES - 1; c++) {
            if (!(values[c] < values[c + 1])) {
                throw new IllegalArgumentException(
                        "code book: value %d is %s and the next %s, expected rising values"
                                .formatted(c, values[c], values[c + 1]));
            }
            bounds[c] = (values[c] + values[c + 1]) / 2;
        }
        bounds[CODES - 1] = Float.POSITIVE_INFINITY;
        for (int c = 0; c < CODES - 1; c++) {
            order[c] = rising(Float.floatToRawIntBits(bounds[c]));
        }
        order[CODES - 1] = Integer.MAX_VALUE; // above NaN too
        for (int cell = 0; cell < CELLS; cell++) {
            fill(cell);
        }
    }

    private void fill(int cell) {
        float zeros = Float.intBitsToFloat(cell << 16);
        float ones = Float.intBitsToFloat(cell << 16 | 0xffff);
        if (Float.isNaN(zeros) || Float.isNaN(ones)) {
            lowest[cell] = (byte) (zeros == Float.POSITIVE_INFINITY ? CODES - 1 : 0);
            return;
        }
        int low = search(Math.min(zeros, ones));
        int high = search(Math.max(zeros, ones));
        if (high > low + 1) {
            throw new IllegalArgumentException(
                    "code book: values %d to %d lie within one part in 128".formatted(low, high));
        }
        lowest[cell] = (byte) low;
    }

    private int search(float x) {
        int low = 0;
        int high = CODES - 1;
        while (low < high) {
            int middle = (low + high) / 2;
            if (bounds[middle] < x) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /// The value of a code from 0 to 255.
    public float value(int code) {
        return values[code];
    }

    /// The code of the nearest value; any code for NaN.
    public int nearest(float x) {
        int bits = Float.floatToRawIntBits(x);
        int code = lowest[bits >>> 16] & 0xff;
        return code + (int) ((order[code] - rising(bits)) >>> 63);
    }

    /// Whole numbers in the order of the floats with these bits; negative ones have theirs turned.
    private static int rising(int bits) {
        return bits ^ (bits >> 31 & Integer.MAX_VALUE);
    }

    /// The values, in rising order.
    public float[] values() {
        return values.clone();
    }

    /// The 255 midpoints between neighbours.
    public float[] midpoints() {
        return Arrays.copyOf(bounds, CODES - 1);
    }
}
