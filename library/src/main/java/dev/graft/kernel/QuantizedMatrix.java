package dev.graft.kernel;

import dev.graft.tensor.Tensor;

/// A matrix W in codes, [out, in], as the kernels see it.
public sealed interface QuantizedMatrix permits FourBitMatrix, Int8Matrix {
    long out();

    long in();

    /// The codes alone, without their constants.
    Tensor codes();

    /// Bytes that the matrix takes, constants included.
    default long bytes() {
        long constants =
                switch (this) {
                    case FourBitMatrix m -> m.maxima().bytes();
                    case Int8Matrix m -> size(m.maxima());
                };
        return size(codes()) + constants;
    }

    private static long size(Tensor t) {
        return t.numel() * t.dtype().bytes();
    }
}
