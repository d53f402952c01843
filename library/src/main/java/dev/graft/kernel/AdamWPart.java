package dev.graft.kernel;

import dev.graft.tensor.Tensor;

/// A parameter that AdamW moves by its gradient, and its two moments. With g the gradient times
/// `gradScale`: m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g². The two ways differ in when they decay,
/// and so by lr·λ of the step.
public sealed interface AdamWPart {
    /// The parameter.
    Tensor p();

    /// Of the shape of the parameter; becomes 0.
    Tensor gradient();

    /// Moments as numbers, in the order of `torch.optim.AdamW` (Loshchilov and Hutter 2019):
    /// p ← p·(1 − lr·λ) − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε).
    record Plain(Tensor p, Tensor gradient, Tensor m, Tensor v) implements AdamWPart {}

    /// Moments in 8-bit codes (Dettmers et al. 2022), as the CUDA kernel of bitsandbytes steps
    /// them, in float32: p ← (p − lr·c/(1 − β₁ᵗ) · m / (√v + ε·c)) · (1 − lr·λ) with
    /// c = √(1 − β₂ᵗ); then each block of m and v gets its new maximum and the nearest codes.
    ///
    /// Where the gradient is infinite or NaN, p stays and both moments become 0. A negative m never
    /// gets the code of 0.
    record Coded(Tensor p, Tensor gradient, BlockwiseCodes m, BlockwiseCodes v)
            implements AdamWPart {}
}
