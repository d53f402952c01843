package dev.graft.quant;

import dev.graft.tensor.Tensor;

/// The four-bit codes of bitsandbytes: sixteen values in −1 to 1, a code is an index.
@SuppressWarnings("ImmutableEnumChecker") // the arrays never leave uncopied
public enum FourBitCode {
    /// The quantiles of a normal distribution (Dettmers et al. 2023), rising, 0 at index 7.
    NF4(
            "nf4",
            new float[] {
                -1f,
                -0.6961928f,
                -0.52507305f,
                -0.3949175f,
                -0.28444138f,
                -0.18477343f,
                -0.091050036f,
                0f,
                0.0795803f,
                0.1609302f,
                0.2461123f,
                0.33791524f,
                0.44070983f,
                0.562617f,
                0.72295684f,
                1f
            },
            new byte[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}),
    /// A sign and three bits of floating point over 12; not rising, 0 at index 0 and 8.
    FP4(
            "fp4",
            new float[] {
                0f,
                0.0625f / 12,
                8f / 12,
                12f / 12,
                4f / 12,
                6f / 12,
                2f / 12,
                3f / 12,
                0f,
                -0.0625f / 12,
                -8f / 12,
                -12f / 12,
                -4f / 12,
                -6f / 12,
                -2f / 12,
                -3f / 12
            },
            new byte[] {11, 10, 13, 12, 15, 14, 9, 0, 8, 1, 6, 7, 4, 5, 2, 3});

    private final String fileName;
    private final float[] table;
    private final byte[] order;
    private final float[] bounds = new float[15];

    FourBitCode(String fileName, float[] table, byte[] order) {
        this.fileName = fileName;
        this.table = table;
        this.order = order;
        for (int i = 0; i < bounds.length; i++) {
            bounds[i] = (table[order[i]] + table[order[i + 1]]) / 2;
        }
    }

    /// The name in files and configs.
    public String fileName() {
        return fileName;
    }

    @Override
    public String toString() {
        return fileName;
    }

    /// The values by code. F32 [16]
    public Tensor table() {
        return Tensor.of(table);
    }

    /// The codes in the order of their values.
    public byte[] order() {
        return order.clone();
    }

    /// The fifteen midpoints of values that follow one another.
    public float[] bounds() {
        return bounds.clone();
    }
}
