package dev.graft.nn;

import static dev.graft.kernel.Factor.plain;
import static dev.graft.kernel.Factor.transposed;

import dev.graft.kernel.Kernels;
import dev.graft.tensor.Tensor;

/// The trained part of a LoRA layer: ΔW = s · B · A (Hu et al. 2021).
///
/// @param a [r, in]
/// @param b [out, r]
/// @param scale s, α/r or α/√r
/// @param dropout share of the inputs of A that is zeroed while training
public record LowRank(Parameter a, Parameter b, double scale, double dropout) {
    public long rank() {
        return a.value().size(0);
    }

    /// x · Aᵀ. [T, r]
    ///
    /// @param x [T, in]
    Tensor reduce(Tensor x) {
        Tensor reduced = Tensor.empty(x.dtype(), x.size(0), rank());
        Kernels.of(x).multiply(1, plain(x), transposed(a.value()), 0, reduced);
        return reduced;
    }

    /// y += s · reduced · Bᵀ.
    ///
    /// @param y [T, out]
    void addTo(Tensor y, Tensor reduced) {
        Kernels.of(y).multiply(scale, plain(reduced), transposed(b.value()), 1, y);
    }

    /// u = s · dy · B, the gradient of what `reduce` returned.
    ///
    /// @param dy [T, out]
    /// @param u [T, r], written
    void reducedGradient(Tensor dy, Tensor u) {
        Kernels.of(dy).multiply(scale, plain(dy), plain(b.value()), 0, u);
    }

    /// dA += uᵀ · x.
    void addGradientOfA(Tensor u, Tensor x) {
        Kernels.of(x).multiply(1, transposed(u), plain(x), 1, a.gradient());
    }

    /// dB += s · dyᵀ · reduced.
    void addGradientOfB(Tensor dy, Tensor reduced) {
        // As dBᵀ: products whose result is narrow read a transposed dy at a third of the speed.
        Tensor flat = Tensor.empty(dy.dtype(), rank(), dy.size(1));
        Kernels.of(dy).multiply(scale, transposed(reduced), plain(dy), 0, flat);
        b.gradient().addInPlace(flat.t());
    }

    /// dx = u · A, added to dx if `add`.
    ///
    /// @param dx [T, in]
    void inputGradient(Tensor u, Tensor dx, boolean add) {
        Kernels.of(dx).multiply(1, plain(u), plain(a.value()), add ? 1 : 0, dx);
    }
}
