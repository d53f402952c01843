package dev.graft.kernel;

import dev.graft.tensor.Tensor;

/// A matrix W in codes, [out, in], as the kernels see it.
public sealed interface QuantizedMatrix permits FourBitMatrix, Int8Matrix {
    long out();

    long in();

    /// Bytes that the matrix takes, constants included.
    default long bytes() {
        return switch (this) {
            case FourBitMatrix m -> size(m.codes()) + m.maxima().bytes();
            case Int8Matrix m -> size(m.codes()) + size(m.maxima());
        };
    }

    private static long size(Tensor t) {
        return t.numel() * t.dtype().bytes();
    }
}
