package dev.graft.quant;

import dev.graft.tensor.Tensor;

/// The four-bit codes of bitsandbytes: sixteen values in −1 to 1, a code is an index.
public enum FourBitCode {
    /// The quantiles of a normal distribution (Dettmers et al. 2023), rising, 0 at index 7.
    NF4(
            "nf4",
            new float[] {
                -1f,
                -0.6961928009986877f,
                -0.5250730514526367f,
                -0.39491748809814453f,
                -0.28444138169288635f,
                -0.18477343022823334f,
                -0.09105003625154495f,
                0f,
                0.07958029955625534f,
                0.16093020141124725f,
                0.24611230194568634f,
                0.33791524171829224f,
                0.44070982933044434f,
                0.5626170039176941f,
                0.7229568362236023f,
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
