package dev.graft.kernel;

import dev.graft.tensor.FlashAttention;
import dev.graft.tensor.FlashAttention.Gradients;
import dev.graft.tensor.FlashAttention.Lengths;
import dev.graft.tensor.FlashAttention.Result;
import dev.graft.tensor.FlashAttention.Rule;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Attention on a card by libtorch's [FlashAttention].
final class CudaAttention {
    private final AttentionInput in;

    CudaAttention(AttentionInput in) {
        this.in = in;
    }

    /// The kernels know no bound of the scores.
    static boolean fits(AttentionInput in) {
        return in.rule().softCap() == 0
                && FlashAttention.fits(in.q().dtype(), in.q().device(), in.width());
    }

    void forward(Tensor out, Tensor logSums) {
        try (var _ = Scope.open("flash attention", out.device())) {
            Lengths rows = rows();
            Result made =
                    FlashAttention.forward(
                            tokensFirst(in.q()),
                            tokensFirst(in.k()),
                            values(in.v()),
                            rows,
                            columns(rows),
                            rule());
            queries(out).copyInPlace(made.out());
            logSums.copyInPlace(made.logSums());
        }
    }

    void backward(Tensor out, Tensor logSums, Tensor dOut, Tensor dq, Tensor dk, Tensor dv) {
        try (var _ = Scope.open("flash attention backward", out.device())) {
            Lengths rows = rows();
            Gradients made =
                    FlashAttention.backward(
                            queries(dOut),
                            tokensFirst(in.q()),
                            tokensFirst(in.k()),
                            values(in.v()),
                            new Result(queries(out), logSums),
                            rows,
                            columns(rows),
                            rule());
            tokensFirst(dq).copyInPlace(made.dq());
            tokensFirst(dk).copyInPlace(made.dk());
            values(dv).copyInPlace(made.dv());
        }
    }

    /// [N, T, D] as [T, N, D].
    private static Tensor tokensFirst(Tensor headMajor) {
        return headMajor.transpose(0, 1);
    }

    /// [T, N·D] as [T, N, D].
    private Tensor queries(Tensor x) {
        return x.view(in.rows(), in.heads(), in.width());
    }

    /// [C, K·D] as [C, K, D].
    private Tensor values(Tensor x) {
        return x.view(in.columns(), in.keyHeads(), in.width());
    }

    private Rule rule() {
        return new Rule(in.rule().scale(), in.rule().window());
    }

    private Lengths rows() {
        return new Lengths(in.packing().onDevice(), in.longest());
    }

    private Lengths columns(Lengths rows) {
        return in.past() == 0
                ? rows
                : new Lengths(Tensor.of(new int[] {0, in.columns()}), in.columns());
    }
}
