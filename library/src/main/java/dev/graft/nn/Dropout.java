package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.tensor.Tensor;

/// Dropout whose mask is a function of a seed and the position, so that the backward pass makes it
/// again instead of keeping it, and a resumed run sees the same masks.
final class Dropout {
    private Dropout() {}

    /// x ⊙ mask / (1 − p), a new tensor.
    static Tensor apply(Tensor x, double p, long seed) {
        Tensor out = Tensor.empty(x.dtype(), x.shape());
        Kernels.of(x).dropout(x, p, seed, out);
        return out;
    }

    /// The same in the memory of x.
    static Tensor applyInPlace(Tensor x, double p, long seed) {
        Kernels.of(x).dropout(x, p, seed, x);
        return x;
    }
}
