package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// For NVIDIA cards: kernels of `cuda/*.cu` and libtorch's attention. What has neither is spelled
/// out in libtorch's operations.
class CudaKernels extends TorchKernels {
    private static final int MOST_ROW_THREADS = 256;
    private static final int MOST_WIDE_ROW_THREADS = 1024;
    private static final int THREADS = 256;
    private static final int LANES = 32;

    private static final Map<Device, CudaKernels> ON_CARDS = new ConcurrentHashMap<>();

    private final CudaLauncher launcher;
    private final CudaCodes codes;

    CudaKernels(CudaLauncher launcher) {
        this.launcher = launcher;
        this.codes = new CudaCodes(launcher);
    }

    /// Those that run on this card; compiled, or read from the cache, when it is first asked.
    static CudaKernels on(Device card) {
        return ON_CARDS.computeIfAbsent(card, c -> new CudaKernels(new CardLauncher(c)));
    }

    // ---- rows ----

    @Override
    public void rmsNorm(
            Tensor x, Tensor weight, double offset, double epsilon, Tensor y, Tensor inverseRms) {
        if (!has(x) || !goesWith(weight, x)) {
            super.rmsNorm(x, weight, offset, epsilon, y, inverseRms);
            return;
        }
        int width = width(x);
        CudaPack pack = CudaPack.of(List.of(x, y, weight), width);
        launcher.launch(
                "rms_norm" + pack.suffix(),
                x.size(0),
                rowThreads(width, pack, MOST_ROW_THREADS),
                x,
                weight,
                isFloat(weight),
                (float) offset,
                (float) epsilon,
                y,
                inverseRms,
                width);
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
        if (!has(x) || !goesWith(weight, x) || dWeight != null) {
            super.rmsNormBackward(dy, x, weight, offset, inverseRms, dx, dWeight);
            return;
        }
        int width = width(x);
        CudaPack pack = CudaPack.of(List.of(x, dy, dx, weight), width);
        launcher.launch(
                "rms_norm_backward" + pack.suffix(),
                x.size(0),
                rowThreads(width, pack, MOST_ROW_THREADS),
                dy,
                x,
                weight,
                isFloat(weight),
                (float) offset,
                inverseRms,
                dx,
                width);
    }

    @Override
    public void crossEntropy(Tensor logits, Tensor targets, double gradScale, Tensor losses) {
        if (!has(logits)) {
            super.crossEntropy(logits, targets, gradScale, losses);
            return;
        }
        int width = width(logits);
        CudaPack pack = CudaPack.of(List.of(logits), width);
        launcher.launch(
                "cross_entropy" + pack.suffix(),
                logits.size(0),
                rowThreads(width, pack, MOST_WIDE_ROW_THREADS),
                logits,
                targets,
                (float) gradScale,
                losses,
                width);
    }

    private static int rowThreads(int width, CudaPack pack, int most) {
        return rowThreads(width / pack.numbers(), most);
    }

    /// For rows of so many numbers, one at a time.
    static int rowThreads(int width) {
        return rowThreads(width, MOST_ROW_THREADS);
    }

    /// As many as there are packs in a row, in whole warps.
    private static int rowThreads(int packs, int most) {
        return Math.clamp((long) Math.ceilDiv(packs, LANES) * LANES, LANES, most);
    }

    private static boolean has(Tensor x) {
        return x.dtype() == DType.F32 || x.dtype() == DType.BF16 || x.dtype() == DType.F16;
    }

    /// A vector may be float32 where the pass has 16 bits.
    private static boolean goesWith(Tensor vector, Tensor x) {
        return vector.dtype() == DType.F32 || vector.dtype() == x.dtype();
    }

    private static int isFloat(Tensor t) {
        return t.dtype() == DType.F32 ? 1 : 0;
    }

    private static int width(Tensor matrix) {
        return Math.toIntExact(matrix.size(-1));
    }

    // ---- elements ----

    @Override
    public void rope(Tensor x, Tensor cos, Tensor sin, boolean neighbours, Tensor out) {
        if (!has(x) || cos == null || neighbours) {
            super.rope(x, cos, sin, neighbours, out);
            return;
        }
        rotate("rope_forward", x, cos, sin, out, out, x.stride(0));
    }

    @Override
    public void ropeBackward(Tensor dOut, Tensor cos, Tensor sin, boolean neighbours, Tensor dx) {
        if (!has(dOut) || cos == null || neighbours) {
            super.ropeBackward(dOut, cos, sin, neighbours, dx);
            return;
        }
        rotate("rope_backward", dOut, cos, sin, dx, dOut, dx.stride(0));
    }

    /// @param heads the side that is head-major, [N, T, D]
    /// @param stride from row to row of the other
    private void rotate(
            String kernel,
            Tensor from,
            Tensor cos,
            Tensor sin,
            Tensor to,
            Tensor heads,
            long stride) {
        int width = width(heads);
        int half = width(cos);
        CudaPack pack = CudaPack.of(List.of(from, to, cos, sin), half, width, stride);
        long packs = heads.numel() / width * ((width - half) / pack.numbers());
        launcher.launch(
                kernel + pack.suffix(),
                blocks(packs),
                THREADS,
                from,
                cos,
                sin,
                to,
                stride,
                heads.size(1),
                Math.toIntExact(heads.size(0)),
                width,
                half);
    }

    @Override
    public void glu(Activation activation, Tensor gate, Tensor up, Tensor out) {
        if (!has(gate)) {
            super.glu(activation, gate, up, out);
            return;
        }
        int width = width(out);
        CudaPack pack = CudaPack.of(List.of(gate, up, out), width, gate.stride(0), up.stride(0));
        launcher.launch(
                "glu" + pack.suffix(),
                blocks(out.numel() / pack.numbers()),
                THREADS,
                number(activation),
                gate,
                gate.stride(0),
                up,
                up.stride(0),
                out,
                out.size(0),
                width);
    }

    @Override
    public void gluBackward(
            Activation activation, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
        if (!has(gate)) {
            super.gluBackward(activation, dOut, gate, up, dGate, dUp);
            return;
        }
        int width = width(dOut);
        CudaPack pack =
                CudaPack.of(
                        List.of(dOut, gate, up, dGate, dUp),
                        width,
                        gate.stride(0),
                        up.stride(0),
                        dGate.stride(0),
                        dUp.stride(0));
        launcher.launch(
                "glu_backward" + pack.suffix(),
                blocks(dOut.numel() / pack.numbers()),
                THREADS,
                number(activation),
                dOut,
                gate,
                gate.stride(0),
                up,
                up.stride(0),
                dGate,
                dGate.stride(0),
                dUp,
                dUp.stride(0),
                dOut.size(0),
                width);
    }

    /// As `elements.cu` numbers them.
    private static int number(Activation activation) {
        return switch (activation) {
            case SILU -> 0;
            case GELU_TANH -> 1;
            case GELU -> 2;
        };
    }

    private static long blocks(long threads) {
        return Math.ceilDiv(threads, THREADS);
    }

    @Override
    public void dropout(Tensor x, double p, long seed, Tensor out) {
        if (!has(x)) {
            super.dropout(x, p, seed, out);
            return;
        }
        DropoutMask mask = DropoutMask.of(p, seed);
        CudaPack pack = CudaPack.of(List.of(x, out), x.numel());
        launcher.launch(
                "dropout" + pack.suffix(),
                blocks(x.numel() / pack.numbers()),
                THREADS,
                x,
                mask.seed(),
                mask.threshold(),
                mask.kept(),
                out,
                x.numel());
    }

    @Override
    public void softCap(Tensor x, double scale, double cap, Tensor slopes) {
        if (!has(x)) {
            super.softCap(x, scale, cap, slopes);
            return;
        }
        CudaPack pack = CudaPack.of(slopes == null ? List.of(x) : List.of(x, slopes), x.numel());
        launcher.launch(
                "soft_cap" + pack.suffix(),
                blocks(x.numel() / pack.numbers()),
                THREADS,
                x,
                (float) (scale / cap),
                (float) scale,
                (float) cap,
                slopes,
                x.numel());
    }

    // ---- codes ----

    @Override
    public void expand(QuantizedMatrix w, long row, Tensor out) {
        if (has(out)) {
            codes.expand(w, row, out);
        } else {
            super.expand(w, row, out);
        }
    }

    @Override
    public void product(QuantizedMatrix w, Tensor x, Tensor y) {
        if (has(x)) {
            codes.product(w, x, y);
        } else {
            super.product(w, x, y);
        }
    }

    // ---- AdamW ----

    @Override
    public void adamW(List<AdamWPart> parts, AdamWStep step) {
        if (parts.stream().allMatch(p -> p.p().dtype() == DType.F32)) {
            new CudaAdamW(launcher).step(parts, step);
        } else {
            super.adamW(parts, step);
        }
    }

    @Override
    public void addSquares(List<Tensor> tensors, Tensor sum) {
        if (tensors.stream().allMatch(t -> t.dtype() == DType.F32)) {
            new CudaAdamW(launcher).addSquares(tensors, sum);
        } else {
            super.addSquares(tensors, sum);
        }
    }

    // ---- attention ----

    @Override
    public void attention(AttentionInput in, Tensor out, Tensor logSums, Tensor scratch) {
        if (CudaAttention.fits(in)) {
            new CudaAttention(in).forward(out, logSums);
        } else if (has(in.q())) {
            new CudaPlainAttention(launcher, in).forward(out, logSums);
        } else {
            super.attention(in, out, logSums, scratch);
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
        if (CudaAttention.fits(in)) {
            new CudaAttention(in).backward(out, logSums, dOut, dq, dk, dv);
        } else if (has(in.q())) {
            new CudaPlainAttention(launcher, in).backward(out, logSums, dOut, dq, dk, dv);
        } else {
            super.attentionBackward(in, out, logSums, dOut, dq, dk, dv, scratch);
        }
    }
}
