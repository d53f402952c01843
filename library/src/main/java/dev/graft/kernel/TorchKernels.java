package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.List;

/// The fused operations spelled out in libtorch's own: every type and device, and the oracle of
/// the other implementations' tests. Numbers of 16 bits are widened, but in products.
public class TorchKernels implements Kernels {
    public static final TorchKernels INSTANCE = new TorchKernels();

    TorchKernels() {}

    @Override
    public void rmsNorm(
            Tensor x, Tensor weight, double offset, double epsilon, Tensor y, Tensor inverseRms) {
        try (var _ = Scope.open()) {
            Tensor from = wide(x);
            Tensor s = from.mul(from).mean(1, true).add(epsilon).rsqrt(); // [T, 1]
            inverseRms.copyInPlace(s.view(x.size(0)));
            y.copyInPlace(from.mul(s).mul(wide(weight).add(offset)));
        }
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
        try (var _ = Scope.open()) {
            Tensor s = inverseRms.view(x.size(0), 1);
            Tensor normed = wide(x).mul(s); // [T, H]
            Tensor given = wide(dy);
            if (dWeight != null) {
                dWeight.addInPlace(given.mul(normed).sum(0, false));
            }
            Tensor g = given.mul(wide(weight).add(offset));
            Tensor mean = g.mul(normed).mean(1, true); // [T, 1]
            dx.addInPlace(g.sub(normed.mul(mean)).mul(s));
        }
    }

    /// In the type that sums are taken in.
    static Tensor wide(Tensor x) {
        return x.to(x.dtype().sums());
    }

    @Override
    public void rope(Tensor x, Tensor cos, Tensor sin, boolean neighbours, Tensor out) {
        try (var _ = Scope.open()) {
            Tensor from = headMajor(x, out);
            if (cos != null) {
                long half = cos.size(1);
                Tensor a = pairs(from, half, 0, neighbours); // [N, T, R/2]
                Tensor b = pairs(from, half, 1, neighbours);
                out.narrow(2, 0, half).copyInPlace(a.mul(cos).sub(b.mul(sin)));
                out.narrow(2, half, half).copyInPlace(b.mul(cos).add(a.mul(sin)));
            }
            copyRest(from, cos, out);
        }
    }

    @Override
    public void ropeBackward(Tensor dOut, Tensor cos, Tensor sin, boolean neighbours, Tensor dx) {
        try (var _ = Scope.open()) {
            Tensor to = headMajor(dx, dOut);
            if (cos != null) {
                long half = cos.size(1);
                Tensor a = dOut.narrow(2, 0, half); // [N, T, R/2]
                Tensor b = dOut.narrow(2, half, half);
                pairs(to, half, 0, neighbours).copyInPlace(a.mul(cos).add(b.mul(sin)));
                pairs(to, half, 1, neighbours).copyInPlace(b.mul(cos).sub(a.mul(sin)));
            }
            copyRest(dOut, cos, to);
        }
    }

    /// [T, N·D] seen as [N, T, D].
    private static Tensor headMajor(Tensor tokenMajor, Tensor like) {
        return tokenMajor.view(like.size(1), like.size(0), like.size(2)).transpose(0, 1);
    }

    /// The first or the second numbers of the pairs that are rotated, seen as [N, T, R/2].
    private static Tensor pairs(Tensor heads, long half, long which, boolean neighbours) {
        if (!neighbours) {
            return heads.narrow(2, which * half, half);
        }
        Tensor rotated = heads.narrow(2, 0, 2 * half);
        return rotated.view(heads.size(0), heads.size(1), half, 2).select(3, which);
    }

    private static void copyRest(Tensor from, Tensor cos, Tensor to) {
        long rotated = cos == null ? 0 : 2 * cos.size(1);
        long rest = from.size(2) - rotated;
        if (rest > 0) {
            to.narrow(2, rotated, rest).copyInPlace(from.narrow(2, rotated, rest));
        }
    }

    @Override
    public void glu(Activation activation, Tensor gate, Tensor up, Tensor out) {
        try (var _ = Scope.open()) {
            out.copyInPlace(value(activation, wide(gate)).mul(wide(up)));
        }
    }

    @Override
    public void gluBackward(
            Activation activation, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
        try (var _ = Scope.open()) {
            Tensor g = wide(gate);
            Tensor given = wide(dOut);
            Tensor forUp = given.mul(value(activation, g));
            Tensor forGate = given.mul(wide(up)).mul(slope(activation, g));
            dUp.copyInPlace(forUp);
            dGate.copyInPlace(forGate);
        }
    }

    private static Tensor value(Activation activation, Tensor g) {
        return switch (activation) {
            case SILU -> g.sigmoid().mul(g);
            case GELU_TANH -> inner(g).tanh().add(1).mul(g).mul(0.5);
            case GELU -> distribution(g).mul(g);
        };
    }

    private static Tensor slope(Activation activation, Tensor g) {
        return switch (activation) {
            case SILU -> {
                Tensor sigma = g.sigmoid();
                yield sigma.neg().add(1).mul(g).add(1).mul(sigma);
            }
            case GELU_TANH -> {
                Tensor t = inner(g).tanh();
                Tensor dInner = g.mul(g).mul(3 * 0.044715).add(1).mul(Math.sqrt(2 / Math.PI));
                Tensor dTanh = t.mul(t).neg().add(1).mul(dInner);
                yield t.add(1).add(dTanh.mul(g)).mul(0.5);
            }
            case GELU -> {
                Tensor density = g.mul(g).mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI));
                yield distribution(g).add(density.mul(g));
            }
        };
    }

    /// √(2/π)(g + 0.044715 g³).
    private static Tensor inner(Tensor g) {
        return g.mul(g).mul(g).mul(0.044715).add(g).mul(Math.sqrt(2 / Math.PI));
    }

    /// Φ(g).
    private static Tensor distribution(Tensor g) {
        return g.mul(Math.sqrt(0.5)).erf().add(1).mul(0.5);
    }

    @Override
    public void softCap(Tensor x, double scale, double cap, Tensor slopes) {
        try (var _ = Scope.open()) {
            Tensor t = wide(x).mul(scale / cap).tanh();
            x.copyInPlace(t.mul(cap));
            if (slopes != null) {
                slopes.copyInPlace(t.mul(t).neg().add(1).mul(scale));
            }
        }
    }

    @Override
    public void dropout(Tensor x, double p, long seed, Tensor out) {
        DropoutMask mask = DropoutMask.of(p, seed);
        float[] factors = new float[Math.toIntExact(x.numel())];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = mask.factor(i);
        }
        try (var _ = Scope.open("dropout", x.device())) {
            out.copyInPlace(x.mul(Tensor.of(factors, x.shape()).to(x.dtype())));
        }
    }

    @Override
    public void attention(AttentionInput in, Tensor out, Tensor logSums, Tensor scratch) {
        new TorchAttention(in).forward(out, logSums);
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
        new TorchAttention(in).backward(out, logSums, dOut, dq, dk, dv);
    }

    @Override
    public void rowDots(Tensor a, Tensor b, Tensor out) {
        try (var _ = Scope.open()) {
            out.copyInPlace(wide(a).mul(wide(b)).sum(1, false));
        }
    }

    @Override
    public void crossEntropy(Tensor logits, Tensor targets, double gradScale, Tensor losses) {
        try (var _ = Scope.open()) {
            Tensor column = targets.view(-1, 1).to(DType.I64);
            Tensor scores = wide(logits);
            Tensor picked = scores.gather(1, column); // [M, 1]
            Tensor sums = scores.logSumExp(1, true); // [M, 1]
            losses.view(-1, 1).copyInPlace(sums.sub(picked));
            Tensor gradient = scores.sub(sums).exp(); // [M, V]
            Tensor rows = Tensor.zeros(scores.dtype(), logits.size(0), logits.size(1));
            Tensor ones = Tensor.full(scores.dtype(), 1, logits.size(0), 1);
            rows.scatterAddInPlace(1, column, ones);
            logits.copyInPlace(gradient.sub(rows).mul(gradScale));
        }
    }

    @Override
    public void multiply(double alpha, Factor a, Factor b, double beta, Tensor c) {
        try (var _ = Scope.open()) {
            Tensor left = a.view();
            Tensor right = b.view();
            DType narrow = narrower(left.dtype(), right.dtype());
            if (c.dtype() == narrow) {
                multiply(alpha, left.to(narrow), right.to(narrow), beta, c);
            } else {
                Tensor product = left.to(narrow).matmul(right.to(narrow));
                add(alpha, product, beta, c);
            }
        }
    }

    /// Trained factors are float32 where activations have 16 bits: the product is taken in the
    /// narrower type, as autocast does.
    private static DType narrower(DType a, DType b) {
        return a.bytes() < b.bytes() ? a : b;
    }

    private static void multiply(double alpha, Tensor a, Tensor b, double beta, Tensor c) {
        if (alpha == 1 && beta == 0) {
            Tensor.mmInto(c, a, b);
        } else {
            c.addmmInPlace(a, b, beta, alpha);
        }
    }

    /// c = alpha · product + beta · c, in the type of c.
    private static void add(double alpha, Tensor product, double beta, Tensor c) {
        if (beta == 0) {
            c.copyInPlace(alpha == 1 ? product : product.mulInPlace(alpha));
        } else {
            (beta == 1 ? c : c.mulInPlace(beta)).addInPlace(product, alpha);
        }
    }

    @Override
    public void expand(QuantizedMatrix w, long row, Tensor out) {
        try (var _ = Scope.open()) {
            out.copyInPlace(TorchQuantization.rows(w, row, out.size(0)));
        }
    }

    @Override
    public void product(QuantizedMatrix w, Tensor x, Tensor y) {
        try (var _ = Scope.open()) {
            Tensor rows = TorchQuantization.rows(w, 0, w.out()).to(x.dtype());
            Tensor.mmInto(y, x, rows.t());
        }
    }

    @Override
    public void product(Tensor w, Tensor x, Tensor y) {
        try (var _ = Scope.open()) {
            Tensor.mmInto(y, x, w.to(x.dtype()).t());
        }
    }

    @Override
    public void convert(Tensor x, Tensor out) {
        out.copyInPlace(x);
    }

    @Override
    public void read(FileBytes file, DType stored, Tensor out) {
        try (var _ = Scope.open("read", Device.CPU)) {
            Tensor numbers = Tensor.empty(stored, out.shape());
            file.read(0, numbers.segment());
            out.copyInPlace(numbers);
        }
    }

    @Override
    public void addHalf(Tensor half, Tensor sum) {
        sum.addInPlace(half);
    }

    @Override
    public void quantize(
            Tensor values,
            float[] bounds,
            byte[] order,
            int blockSize,
            Tensor codes,
            Tensor maxima) {
        try (var _ = Scope.open()) {
            TorchQuantization.fourBit(values, bounds, order, blockSize, codes, maxima);
        }
    }

    @Override
    public void adamW(List<AdamWPart> parts, AdamWStep step) {
        parts.forEach(part -> TorchAdamW.step(part, step));
    }

    @Override
    public void addSquares(List<Tensor> tensors, Tensor sum) {
        for (Tensor x : tensors) {
            try (var _ = Scope.open("squares")) {
                sum.addInPlace(x.mul(x).sum());
            }
        }
    }
}
