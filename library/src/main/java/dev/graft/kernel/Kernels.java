package dev.graft.kernel;

import dev.graft.profile.Profile;
import dev.graft.tensor.DType;
import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Tensor;
import java.util.List;

/// Fused operations on tensors that the caller provides, outputs included; what they need meanwhile
/// is gone when they return.
/// Every tensor is contiguous and of one floating type, but that in a pass of 16 bits sums
/// (inverse roots, log-sums) and what is trained are float32; shapes use the alphabet of
/// CONTRIBUTING.
///
/// [TorchKernels] is the plain reference for every type and device; [VectorKernels] is for float32
/// on a CPU, [CudaKernels] for NVIDIA cards.
public interface Kernels {
    /// The fastest implementation for this tensor's type and device.
    static Kernels of(Tensor x) {
        Kernels fastest = FastestKernels.of(x);
        return Profile.listens() ? ProfiledKernels.of(fastest) : fastest;
    }

    /// y = x · s ⊙ (w + offset) with s = 1 / √(mean(x²) + ε) for each row (Zhang and
    /// Sennrich 2019).
    ///
    /// @param x [T, H]
    /// @param weight [H]
    /// @param offset 0, or 1 where the weights are stored less one
    /// @param y [T, H], written
    /// @param inverseRms [T], written: s
    void rmsNorm(
            Tensor x, Tensor weight, double offset, double epsilon, Tensor y, Tensor inverseRms);

    /// With g = dy ⊙ (w + offset): dx += s · (g − x · s² · mean(g ⊙ x)), and
    /// dw += Σ_rows dy ⊙ x · s.
    ///
    /// @param dx [T, H], added to
    /// @param dWeight [H], added to; null where the weight is frozen
    void rmsNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            double offset,
            Tensor inverseRms,
            Tensor dx,
            Tensor dWeight);

    /// Rotary embedding of token-major heads into head-major ones (Su et al. 2021, halves
    /// as in Llama): with R the width that is rotated, a = x[t, n, i], b = x[t, n, i +
    /// R/2], c = cos[t, i], s = sin[t, i], out[n, t, i] = a·c − b·s and out[n, t, i + R/2]
    /// = b·c + a·s; the other D − R numbers of a head stay as they are.
    ///
    /// Where pairs are neighbours, as in GLM, a = x[t, n, 2i] and b = x[t, n, 2i + 1], and
    /// the result lies in halves all the same: products of queries and keys do not depend
    /// on the order.
    ///
    /// @param x [T, N·D], whose rows may lie apart
    /// @param cos [T, R/2]; null where nothing is rotated
    /// @param sin [T, R/2]
    /// @param out [N, T, D], written
    void rope(Tensor x, Tensor cos, Tensor sin, boolean neighbours, Tensor out);

    /// The transpose of `rope`: dx[t, n, i] = a·c + b·s and dx[t, n, i + R/2] = b·c − a·s with a, b
    /// from dOut.
    ///
    /// @param dOut [N, T, D]
    /// @param dx [T, N·D], written; its rows may lie apart
    void ropeBackward(Tensor dOut, Tensor cos, Tensor sin, boolean neighbours, Tensor dx);

    /// out = f(gate) ⊙ up (Shazeer 2020).
    ///
    /// @param gate [T, F], whose rows may lie apart
    /// @param up [T, F], whose rows may lie apart
    /// @param out [T, F], written
    void glu(Activation activation, Tensor gate, Tensor up, Tensor out);

    /// dUp = dOut ⊙ f(gate), dGate = dOut ⊙ up ⊙ f′(gate).
    ///
    /// @param dGate [T, F], written; may be the memory of `gate`
    /// @param dUp [T, F], written; may be the memory of `up`
    void gluBackward(
            Activation activation, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp);

    /// x ← cap · tanh(scale · x / cap) (Gemma Team 2024), in place.
    ///
    /// @param slopes shape of x, written: scale · (1 − tanh²), by which the gradient is multiplied;
    ///     null where none is wanted
    void softCap(Tensor x, double scale, double cap, Tensor slopes);

    /// out = x ⊙ mask / (1 − p) (Srivastava et al. 2014), where the mask is a function of the seed
    /// and the place, the same in every implementation and type.
    ///
    /// @param x of any shape
    /// @param p share of numbers that become 0
    /// @param out written; may be x
    void dropout(Tensor x, double p, long seed, Tensor out);

    /// Causal attention of grouped heads within each sequence, O = softmax(Q·Kᵀ · scale)·V, where
    /// the rule may narrow what a row sees and cap the scores.
    ///
    /// @param out [T, N·D], written
    /// @param logSums [N, T], written: log Σ exp(score) over the columns that a row sees
    /// @param scratch of the shape that [AttentionInput#scratch] tells
    void attention(AttentionInput in, Tensor out, Tensor logSums, Tensor scratch);

    /// With P the probabilities: dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P ⊙ (dP − Σ dO ⊙ O) · scale,
    /// dQ = dS·K, dK = dSᵀ·Q.
    ///
    /// @param in without a past
    /// @param out what `attention` wrote
    /// @param logSums what `attention` wrote
    /// @param dOut [T, N·D]
    /// @param dq [N, T, D], written
    /// @param dk [K, T, D], written
    /// @param dv [T, K·D], written
    void attentionBackward(
            AttentionInput in,
            Tensor out,
            Tensor logSums,
            Tensor dOut,
            Tensor dq,
            Tensor dk,
            Tensor dv,
            Tensor scratch);

    /// out = Σ_D a ⊙ b for each row.
    ///
    /// @param a [M, D]
    /// @param b [M, D]
    /// @param out [M], written
    void rowDots(Tensor a, Tensor b, Tensor out);

    /// −log softmax(logits) at the target of each row, and the gradient of their sum times
    /// `gradScale` in place of the logits.
    ///
    /// @param logits [M, V], replaced by gradScale · (softmax(logits) − onehot(target))
    /// @param targets [M] I32, token ids
    /// @param losses [M] F64, written: nats
    void crossEntropy(Tensor logits, Tensor targets, double gradScale, Tensor losses);

    /// c = alpha · a · b + beta · c.
    ///
    /// @param a [m, k]
    /// @param b [k, n]
    /// @param c [m, n], whose rows may lie apart; not read where beta is 0
    void multiply(double alpha, Factor a, Factor b, double beta, Tensor c);

    /// out = rows `row` and following of a matrix in codes.
    ///
    /// @param out [R, in], written
    void expand(QuantizedMatrix w, long row, Tensor out);

    /// y = x · Wᵀ for a single row x.
    ///
    /// @param x [1, in]
    /// @param y [1, out], written
    void product(QuantizedMatrix w, Tensor x, Tensor y);

    /// y = x · Wᵀ for a single row x.
    ///
    /// @param w [out, in] BF16 or F16
    /// @param x [1, in]
    /// @param y [1, out], written
    void product(Tensor w, Tensor x, Tensor y);

    /// out = x in the type of out, of equal shapes.
    void convert(Tensor x, Tensor out);

    /// out = numbers of a file, one after the other, in the type of out.
    ///
    /// @param stored their type in the file
    void read(FileBytes file, DType stored, Tensor out);

    /// sum += half, of equal shapes.
    ///
    /// @param half BF16
    void addHalf(Tensor half, Tensor sum);

    /// Blockwise quantization to four bits (Dettmers et al. 2023, as bitsandbytes rounds): the code
    /// of x is order(number of bounds strictly below x / greatest |x| of its block). An odd count
    /// is filled up with 0.
    ///
    /// @param values F32, n elements, whole blocks but for the last
    /// @param bounds 15 rising thresholds
    /// @param order the 16 codes in the order of their values
    /// @param codes U8, ⌈n/2⌉ elements, written
    /// @param maxima F32, ⌈n/blockSize⌉ elements, written; infinite or NaN where a value is
    void quantize(
            Tensor values,
            float[] bounds,
            byte[] order,
            int blockSize,
            Tensor codes,
            Tensor maxima);

    /// One AdamW step of each of these parameters ([AdamWPart] says which one), after which its
    /// gradient is 0. All have moments of the same kind.
    void adamW(List<AdamWPart> parts, AdamWStep step);

    /// sum += Σ x² over all elements of all of these tensors.
    ///
    /// @param sum [1] F64
    void addSquares(List<Tensor> tensors, Tensor sum);

    /// The constants of an AdamW step; `step` counts from 1.
    record AdamWStep(
            double learningRate,
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            long step,
            double gradScale) {
        /// 1 − β₁ᵗ, what the first moment is divided by for its start from zero.
        double correction1() {
            return 1 - StrictMath.pow(beta1, (double) step);
        }

        /// 1 − β₂ᵗ, the same of the second moment.
        double correction2() {
            return 1 - StrictMath.pow(beta2, (double) step);
        }
    }
}
