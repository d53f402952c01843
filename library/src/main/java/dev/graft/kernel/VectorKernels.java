package dev.graft.kernel;

import dev.graft.tensor.Blas;
import dev.graft.tensor.DType;
import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Tensor;
import java.util.List;

/// The fused operations for float32 on a CPU: the Vector API straight over the tensors' own
/// memory, one pass each, on every core. The bits of a result depend neither on the number of
/// threads nor on what the JIT has compiled.
public final class VectorKernels implements Kernels {
    public static final VectorKernels INSTANCE = new VectorKernels();

    private VectorKernels() {}

    @Override
    public void rmsNorm(
            Tensor x, Tensor weight, double offset, double epsilon, Tensor y, Tensor inverseRms) {
        VectorRmsNorm.forward(x, weight, offset, epsilon, y, inverseRms);
    }

    @Override
    public void rmsNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            double offset,
            Tensor inverseRms,
            Tensor dx,
            Tensor dWeight) {
        VectorRmsNorm.backward(dy, x, weight, offset, inverseRms, dx, dWeight);
    }

    @Override
    public void rope(Tensor x, Tensor cos, Tensor sin, boolean neighbours, Tensor out) {
        VectorRope.forward(x, cos, sin, neighbours, out);
    }

    @Override
    public void ropeBackward(Tensor dOut, Tensor cos, Tensor sin, boolean neighbours, Tensor dx) {
        VectorRope.backward(dOut, cos, sin, neighbours, dx);
    }

    @Override
    public void glu(Activation activation, Tensor gate, Tensor up, Tensor out) {
        VectorGlu.forward(activation, gate, up, out);
    }

    @Override
    public void gluBackward(
            Activation activation, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
        VectorGlu.backward(activation, dOut, gate, up, dGate, dUp);
    }

    @Override
    public void softCap(Tensor x, double scale, double cap, Tensor slopes) {
        VectorSoftCap.apply(x, scale, cap, slopes);
    }

    @Override
    public void dropout(Tensor x, double p, long seed, Tensor out) {
        VectorDropout.apply(x, DropoutMask.of(p, seed), out);
    }

    @Override
    public void attention(AttentionInput in, Tensor out, Tensor logSums, Tensor scratch) {
        if (Blas.isAvailable()) {
            VectorAttention.forward(in, out, logSums, scratch);
        } else {
            TorchKernels.INSTANCE.attention(in, out, logSums, scratch);
        }
    }

    @Override
    public void attentionBackward(
            AttentionInput in,
            Tensor out,
            Tensor logSums,
            Tensor dOut,
            Tensor dq,
            Tensor dk,
            Tensor dv,
            Tensor scratch) {
        if (Blas.isAvailable()) {
            VectorAttention.backward(in, out, logSums, dOut, dq, dk, dv, scratch);
        } else {
            TorchKernels.INSTANCE.attentionBackward(in, out, logSums, dOut, dq, dk, dv, scratch);
        }
    }

    @Override
    public void rowDots(Tensor a, Tensor b, Tensor out) {
        VectorSoftmax.rowDots(a, b, out);
    }

    @Override
    public void crossEntropy(Tensor logits, Tensor targets, double gradScale, Tensor losses) {
        VectorCrossEntropy.lossAndGradient(logits, targets.toInts(), gradScale, losses);
    }

    @Override
    public void multiply(double alpha, Factor a, Factor b, double beta, Tensor c) {
        if (VectorProduct.fits(a, b, c)) {
            VectorProduct.multiply((float) alpha, a, b, (float) beta, c);
        } else {
            TorchKernels.INSTANCE.multiply(alpha, a, b, beta, c);
        }
    }

    @Override
    public void expand(QuantizedMatrix w, long row, Tensor out) {
        switch (w) {
            case FourBitMatrix m -> VectorFourBit.expand(m, row, out);
            case Int8Matrix m -> VectorInt8.expand(m, row, out);
        }
    }

    @Override
    public void product(QuantizedMatrix w, Tensor x, Tensor y) {
        switch (w) {
            case FourBitMatrix m -> VectorFourBitRow.product(m, x, y);
            case Int8Matrix m -> VectorInt8.product(m, x, y);
        }
    }

    @Override
    public void product(Tensor w, Tensor x, Tensor y) {
        VectorHalf.product(w, x, y);
    }

    @Override
    public void convert(Tensor x, Tensor out) {
        if (x.dtype() == DType.BF16 && x.isContiguous()) {
            VectorHalf.widen(x, out);
        } else {
            TorchKernels.INSTANCE.convert(x, out);
        }
    }

    @Override
    public void read(FileBytes file, DType stored, Tensor out) {
        if (stored == DType.BF16) {
            VectorRead.widen(file, out);
        } else {
            TorchKernels.INSTANCE.read(file, stored, out);
        }
    }

    @Override
    public void addHalf(Tensor half, Tensor sum) {
        VectorHalf.add(half, sum);
    }

    @Override
    public void quantize(
            Tensor values,
            float[] bounds,
            byte[] order,
            int blockSize,
            Tensor codes,
            Tensor maxima) {
        VectorQuantize.fourBit(values, bounds, order, blockSize, codes, maxima);
    }

    @Override
    public void adamW(List<AdamWPart> parts, AdamWStep step) {
        for (AdamWPart part : parts) {
            switch (part) {
                case AdamWPart.Plain plain -> VectorAdamW.step(plain, step);
                case AdamWPart.Coded coded -> VectorAdamW8bit.step(coded, step);
            }
        }
    }

    @Override
    public void addSquares(List<Tensor> tensors, Tensor sum) {
        TorchKernels.INSTANCE.addSquares(tensors, sum);
    }
}
