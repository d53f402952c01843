package dev.graft.quant;

import java.util.Arrays;

/// The 8-bit code of bitsandbytes: 256 values, dense around zero, with a share of the bits for the
/// exponent that differs from code to code (Dettmers 2015; `create_dynamic_map`, 7 exponent bits).
///
/// Signed for numbers of either sign (AdamW's first moment, the deviations of block maxima),
/// unsigned for those that are not negative (the second moment).
public final class DynamicMap {
    private static final int EXPONENTS = 7;
    private static final float[] SIGNED = make(true);
    private static final float[] UNSIGNED = make(false);

    private DynamicMap() {}

    /// 256 values in rising order, −0.993 to 1, 0 among them.
    public static float[] signed() {
        return SIGNED.clone();
    }

    /// 256 values in rising order, 0 to 1.
    public static float[] unsigned() {
        return UNSIGNED.clone();
    }

    private static float[] make(boolean signed) {
        float[] codes = new float[256];
        int n = 0;
        for (int i = 0; i < EXPONENTS; i++) {
            int boundaries = (1 << (signed ? i : i + 1)) + 1;
            float scale = (float) Math.pow(10, i - EXPONENTS + 1);
            float[] edges = linspace(boundaries);
            for (int k = 0; k + 1 < boundaries; k++) {
                float value = scale * ((edges[k] + edges[k + 1]) / 2);
                codes[n++] = value;
                if (signed) {
                    codes[n++] = -value;
                }
            }
        }
        codes[n++] = 0;
        codes[n++] = 1;
        if (n != codes.length) {
            throw new IllegalStateException("made %d codes".formatted(n));
        }
        Arrays.sort(codes);
        return codes;
    }

    /// `torch.linspace(0.1, 1, count)` in float32: from the nearer end, multiply and add fused.
    private static float[] linspace(int count) {
        float[] values = new float[count];
        float step = (1f - 0.1f) / (count - 1);
        for (int i = 0; i < count; i++) {
            values[i] =
                    i < count / 2 ? Math.fma(step, i, 0.1f) : Math.fma(-step, count - 1 - i, 1f);
        }
        return values;
    }
}
