package dev.graft.kernel;

import static dev.graft.kernel.TorchKernels.wide;

import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Attention with all scores of a sequence at once.
final class TorchAttention {
    private final AttentionInput in;

    TorchAttention(AttentionInput in) {
        this.in = in;
    }

    /// A sequence: its queries [N, R, D], keys and values [N, C, D], probabilities [N, R, C] and
    /// what the gradient by the scores is multiplied by.
    private record Part(Tensor q, Tensor k, Tensor v, Tensor scores, Tensor slopes) {}

    private Part part(int s) {
        Tensor q = wide(in.q().narrow(1, in.start(s), in.length(s)));
        long columns = in.length(s) + in.past();
        Tensor k = perQueryHead(wide(in.k().narrow(1, in.start(s), columns)));
        Tensor v = wide(in.v().narrow(0, in.start(s), columns));
        Tensor values =
                perQueryHead(v.view(columns, in.keyHeads(), in.width()).transpose(0, 1).copy());
        Tensor scores = q.matmul(k.transpose(1, 2)).mul(in.rule().scale());
        double cap = in.rule().softCap();
        if (cap == 0) {
            return new Part(q, k, values, scores, null);
        }
        Tensor t = scores.mul(1 / cap).tanh();
        return new Part(q, k, values, t.mul(cap), t.mul(t).neg().add(1));
    }

    /// [K, C, D], each head as often as query heads share it. [N, C, D]
    private Tensor perQueryHead(Tensor x) {
        long columns = x.size(1);
        return x.unsqueeze(1)
                .expand(in.keyHeads(), in.group(), columns, in.width())
                .copy()
                .view(in.heads(), columns, in.width());
    }

    /// True where a row does not see a column. [R, C]
    private Tensor hidden(Tensor scores) {
        Tensor ones = Tensor.full(scores.dtype(), 1, scores.size(1), scores.size(2));
        Tensor ahead = ones.triu(in.past() + 1);
        if (in.rule().window() == 0) {
            return ahead.gt(0);
        }
        Tensor fromWindow = ones.triu(in.past() - in.rule().window() + 1);
        return ones.sub(fromWindow.sub(ahead)).gt(0);
    }

    /// A view of the rows of a sequence in [T, N·D]. [N, R, D]
    private Tensor tokenMajor(Tensor x, int s) {
        return x.narrow(0, in.start(s), in.length(s))
                .view(in.length(s), in.heads(), in.width())
                .transpose(0, 1);
    }

    void forward(Tensor out, Tensor logSums) {
        for (int s = 0; s < in.sequences(); s++) {
            try (var _ = Scope.open()) {
                Part part = part(s);
                Tensor scores =
                        part.scores().maskedFill(hidden(part.scores()), Double.NEGATIVE_INFINITY);
                rowsOf(logSums, s).copyInPlace(scores.logSumExp(2, false));
                tokenMajor(out, s).copyInPlace(scores.softmax(2).matmul(part.v()));
            }
        }
    }

    private Tensor rowsOf(Tensor headMajor, int s) {
        return headMajor.narrow(1, in.start(s), in.length(s));
    }

    void backward(Tensor out, Tensor logSums, Tensor dOut, Tensor dq, Tensor dk, Tensor dv) {
        for (int s = 0; s < in.sequences(); s++) {
            try (var _ = Scope.open()) {
                Part part = part(s);
                Tensor sums = rowsOf(logSums, s).unsqueeze(2);
                Tensor p = part.scores().sub(sums).exp().maskedFill(hidden(part.scores()), 0);
                Tensor d = wide(tokenMajor(dOut, s).copy()); // [N, R, D]
                Tensor delta = wide(tokenMajor(out, s)).mul(d).sum(2, true);
                Tensor dScores =
                        d.matmul(part.v().transpose(1, 2)).sub(delta).mul(p).mul(in.rule().scale());
                Tensor ds = part.slopes() == null ? dScores : dScores.mul(part.slopes());
                rowsOf(dq, s).copyInPlace(ds.matmul(part.k()));
                rowsOf(dk, s).copyInPlace(perKeyHead(ds.transpose(1, 2).matmul(part.q())));
                dv.narrow(0, in.start(s), in.length(s))
                        .view(in.length(s), in.keyHeads(), in.width())
                        .transpose(0, 1)
                        .copyInPlace(perKeyHead(p.transpose(1, 2).matmul(d)));
            }
        }
    }

    /// The sums over the query heads that share a key head. [K, R, D]
    private Tensor perKeyHead(Tensor x) {
        return x.view(in.keyHeads(), in.group(), x.size(1), in.width()).sum(1, false);
    }
}
