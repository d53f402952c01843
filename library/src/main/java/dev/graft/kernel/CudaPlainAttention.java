package dev.graft.kernel;

import static dev.graft.kernel.TorchKernels.wide;

import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.stream.IntStream;

/// Attention on a card where there is no FlashAttention for it: plain products in float32, and a
/// kernel of `attention.cu` for what is done with the scores between them; for one sequence, one
/// key head and the query heads that share it at a time, so that the scores of all are never there
/// at once.
final class CudaPlainAttention {
    private final CudaLauncher launcher;
    private final AttentionInput in;

    CudaPlainAttention(CudaLauncher launcher, AttentionInput in) {
        this.launcher = launcher;
        this.in = in;
    }

    void forward(Tensor out, Tensor logSums) {
        for (Part part : parts()) {
            try (var _ = Scope.open("heads", out.device())) {
                Tensor p = part.queries().matmul(part.keys().t()); // [G·R, C]
                Tensor sums = Tensor.empty(DType.F32, p.size(0));
                launch("probabilities", part, p, sums);
                part.headMajor(logSums).copyInPlace(sums.view(in.group(), part.rows()));
                part.tokenMajor(out).copyInPlace(part.byHead(p.matmul(part.values())));
            }
        }
    }

    void backward(Tensor out, Tensor logSums, Tensor dOut, Tensor dq, Tensor dk, Tensor dv) {
        for (Part part : parts()) {
            try (var _ = Scope.open("heads", out.device())) {
                Tensor q = part.queries();
                Tensor k = part.keys();
                Tensor p = q.matmul(k.t()); // [G·R, C]
                Tensor d = part.flat(wide(part.tokenMajor(dOut).copy()));
                Tensor made = part.flat(wide(part.tokenMajor(out).copy()));
                Tensor deltas = made.mulInPlace(d).sum(1, false);
                Tensor ds = d.matmul(part.values().t());
                Tensor sums = part.headMajor(logSums).contiguous();
                launch("score_gradients", part, p, ds, sums, deltas);
                part.headMajor(dq).copyInPlace(part.byHead(ds.matmul(k)));
                part.keys(dk).copyInPlace(ds.t().matmul(q));
                part.values(dv).copyInPlace(p.t().matmul(d));
            }
        }
    }

    /// @param tensors the first of them the scores
    private void launch(String kernel, Part part, Tensor... tensors) {
        Object[] arguments = new Object[tensors.length + 6];
        System.arraycopy(tensors, 0, arguments, 0, tensors.length);
        int at = tensors.length;
        arguments[at++] = part.rows();
        arguments[at++] = part.columns();
        arguments[at++] = Math.toIntExact(in.past());
        arguments[at++] = Math.toIntExact(in.rule().window());
        arguments[at++] = (float) in.rule().scale();
        arguments[at] = (float) in.rule().softCap();
        launcher.launch(
                kernel, tensors[0].size(0), CudaKernels.rowThreads(part.columns()), arguments);
    }

    private Iterable<Part> parts() {
        int keyHeads = in.keyHeads();
        return () ->
                IntStream.range(0, in.sequences() * keyHeads)
                        .mapToObj(i -> new Part(i / keyHeads, i % keyHeads))
                        .iterator();
    }

    /// The G query heads that share a key head, and the R queries and C columns of a sequence.
    private final class Part {
        private final int sequence;
        private final int keyHead;

        private Part(int sequence, int keyHead) {
            this.sequence = sequence;
            this.keyHead = keyHead;
        }

        int rows() {
            return in.length(sequence);
        }

        int columns() {
            return Math.toIntExact(in.length(sequence) + in.past());
        }

        private int start() {
            return in.start(sequence);
        }

        /// Those of [N, T, …]. [G, R, …]
        Tensor headMajor(Tensor x) {
            long first = (long) keyHead * in.group();
            return x.narrow(0, first, in.group()).narrow(1, start(), rows());
        }

        /// Those of [T, N·D]. [G, R, D]
        Tensor tokenMajor(Tensor x) {
            long width = (long) in.group() * in.width();
            return x.narrow(0, start(), rows())
                    .narrow(1, keyHead * width, width)
                    .view(rows(), in.group(), in.width())
                    .transpose(0, 1);
        }

        /// [G, R, D] as [G·R, D].
        Tensor flat(Tensor x) {
            return x.contiguous().view((long) in.group() * rows(), in.width());
        }

        /// The other way.
        Tensor byHead(Tensor x) {
            return x.view(in.group(), rows(), in.width());
        }

        /// Those of [K, C, D]. [C, D]
        Tensor keys(Tensor x) {
            return x.select(0, keyHead).narrow(0, start(), columns());
        }

        /// Those of [C, K·D]. [C, D]
        Tensor values(Tensor x) {
            return x.narrow(0, start(), columns())
                    .narrow(1, (long) keyHead * in.width(), in.width());
        }

        Tensor queries() {
            return flat(wide(headMajor(in.q())));
        }

        Tensor keys() {
            return wide(keys(in.k()));
        }

        Tensor values() {
            return wide(values(in.v()));
        }
    }
}
