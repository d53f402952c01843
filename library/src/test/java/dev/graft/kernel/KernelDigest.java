package dev.graft.kernel;

import dev.graft.tensor.DType;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/// Prints one number that stands for every bit that the vector kernels compute on fixed inputs.
final class KernelDigest {
    private KernelDigest() {}

    public static void main(String[] args) {
        System.out.println("digest " + of());
    }

    static long of() {
        var crc = new CRC32();
        for (int width : new int[] {3, 67, 150}) {
            for (KernelCase c : KernelCase.all(5, width, width)) {
                for (double[] values : c.run(VectorKernels.INSTANCE, DType.F32)) {
                    for (double v : values) {
                        crc.update(
                                ByteBuffer.allocate(Double.BYTES)
                                        .putLong(Double.doubleToLongBits(v))
                                        .flip());
                    }
                }
            }
        }
        for (byte[] bytes : AdamW8bitCase.run(VectorKernels.INSTANCE, 5000)) {
            crc.update(bytes);
        }
        return crc.getValue();
    }
}
