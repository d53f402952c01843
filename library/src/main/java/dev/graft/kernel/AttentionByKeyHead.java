package dev.graft.kernel;

import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Attention by plain products, for one key head and the query heads that share it at a time, so
/// that the scores of all heads are never there at once.
final class AttentionByKeyHead {
    private final AttentionInput in;

    AttentionByKeyHead(AttentionInput in) {
        this.in = in;
    }

    void forward(Tensor out, Tensor logSums) {
        for (int k = 0; k < in.keyHeads(); k++) {
            try (var _ = Scope.open("heads", out.device())) {
                new TorchAttention(part(k)).forward(columns(out, k), heads(logSums, k));
            }
        }
    }

    void backward(Tensor out, Tensor logSums, Tensor dOut, Tensor dq, Tensor dk, Tensor dv) {
        for (int k = 0; k < in.keyHeads(); k++) {
            try (var _ = Scope.open("heads", out.device())) {
                new TorchAttention(part(k))
                        .backward(
                                columns(out, k),
                                heads(logSums, k),
                                columns(dOut, k),
                                heads(dq, k),
                                dk.narrow(0, k, 1),
                                values(dv, k));
            }
        }
    }

    private AttentionInput part(int k) {
        return new AttentionInput(
                heads(in.q(), k),
                in.k().narrow(0, k, 1),
                values(in.v(), k),
                in.packing(),
                in.past(),
                in.rule());
    }

    /// Those of [N, …] that share a key head.
    private Tensor heads(Tensor x, int k) {
        return x.narrow(0, (long) k * in.group(), in.group());
    }

    /// The same of [T, N·D].
    private Tensor columns(Tensor x, int k) {
        long width = (long) in.group() * in.width();
        return x.narrow(1, k * width, width);
    }

    /// One of [C, K·D].
    private Tensor values(Tensor x, int k) {
        return x.narrow(1, (long) k * in.width(), in.width());
    }
}
