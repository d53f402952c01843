package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.kernel.Kernels.Visible;
import dev.graft.nn.Workspace.Buffer;
import dev.graft.profile.Profile;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Causal attention of grouped heads, O = softmax(Q·Kᵀ/√D)·V within each sequence, where a
/// rule may narrow what a row sees to a window and cap the scores.
///
/// Rows are taken in blocks, whose columns go from the first that the first row sees to the
/// last that the last one sees, so the T × T matrix never exists, nor anything outside a
/// window. Kept: q, k, v, O and the log-sum of each row, from which the backward pass makes
/// the probabilities of a block again (Dao et al. 2022): dV += Pᵀ·dO, dP = dO·Vᵀ, dS = P ⊙
/// (dP − Σ dO ⊙ O)/√D, dQ = dS·K, dK += dSᵀ·Q.
public final class Attention {
    /// Rows of a block.
    public static final long BLOCK_ROWS = 64;

    /// Scores that heads are taken together for.
    public static final long SCORE_BYTES = 2 << 20;

    private final Workspace workspace;
    private final Rule rule;

    private Attention(Workspace workspace, Rule rule) {
        this.workspace = workspace;
        this.rule = rule;
    }

    /// How scores become probabilities: softmax(cap · tanh(scale · Q·Kᵀ / cap)) over the last
    /// `window` columns.
    ///
    /// @param scale 1/√D, as a rule
    /// @param softCap bound of the scores (Gemma Team 2024); 0 for none
    /// @param window columns that a row sees, its own among them (Beltagy et al. 2020); 0 for all
    public record Rule(double scale, double softCap, long window) {
        /// All columns, no bound.
        public static Rule plain(double scale) {
            return new Rule(scale, 0, 0);
        }

        /// The first column that a row sees, both counted from the start of their sequence.
        public long firstColumn(long row) {
            return window == 0 ? 0 : Math.max(0, row - window + 1);
        }

        /// The factor that the softmax has left to apply.
        private double softmaxScale() {
            return softCap == 0 ? scale : 1;
        }
    }

    /// The heads of one pass: q [N, T, D], k [K, T, D], v [T, K·D].
    private record Heads(Tensor q, Tensor k, Tensor v) {
        long heads() {
            return q.size(0);
        }

        long keyHeads() {
            return k.size(0);
        }

        long group() {
            return heads() / keyHeads();
        }

        long width() {
            return q.size(2);
        }
    }

    /// Rows `row` … `row + rows` of q against columns `column` … `column + columns` of k and v, of
    /// key-value heads `head` … `head + heads`; the first row sees `firstRow + 1` columns.
    private record Block(
            long head, long heads, long row, long rows, long column, long columns, long firstRow) {
        Visible visible(Rule rule) {
            return new Visible(firstRow, rule.window());
        }
    }

    private interface BlockAction {
        void run(Block block);
    }

    /// Attention of whole sequences laid end to end.
    ///
    /// @param q [N, T, D], position already encoded
    /// @param k [K, T, D], position already encoded
    /// @param v [T, K·D]
    /// @param offsets where each sequence starts, and T
    /// @return [T, N·D]
    public static Var forward(Tape tape, Var q, Var k, Var v, int[] offsets, Rule rule) {
        var attention = new Attention(tape.workspace(), rule);
        var heads = new Heads(q.value(), k.value(), v.value());
        long tokens = heads.q().size(1);
        Tensor out = Tensor.empty(heads.q().dtype(), tokens, heads.heads() * heads.width());
        Tensor logSums = Tensor.empty(heads.q().dtype(), heads.heads(), tokens);
        try (var _ = Profile.operation("attention")) {
            attention.eachBlock(
                    heads, offsets, b -> attention.forwardBlock(heads, b, out, logSums));
        }
        boolean needs = q.needsGradient() || k.needsGradient() || v.needsGradient();
        Var result = tape.var(out, needs);
        for (Var kept : new Var[] {q, k, v, result}) {
            tape.keep(result, kept);
        }
        tape.keep(result, logSums);
        tape.onBackward(
                result,
                () -> {
                    Tensor dOut = result.takeGradient();
                    var again = new Heads(q.value(), k.value(), v.value());
                    var gradients = attention.backward(again, offsets, out, logSums, dOut);
                    give(q, gradients.q());
                    give(k, gradients.k());
                    give(v, gradients.v());
                });
        return result;
    }

    /// Attention of new tokens to all that is cached, for generation; keeps nothing.
    ///
    /// @param q [N, R, D], the new tokens
    /// @param k [K, C, D], the cache, the new tokens last
    /// @param v [C, K·D]
    /// @return [R, N·D]
    public static Tensor cached(Tape tape, Tensor q, Tensor k, Tensor v, Rule rule) {
        var attention = new Attention(tape.workspace(), rule);
        var heads = new Heads(q, k, v);
        long rows = q.size(1);
        long past = k.size(1) - rows;
        Tensor out = Tensor.empty(q.dtype(), rows, heads.heads() * heads.width());
        Tensor logSums = Tensor.empty(q.dtype(), heads.heads(), rows);
        attention.blocks(
                heads, 0, rows, 0, past, b -> attention.forwardBlock(heads, b, out, logSums));
        return out;
    }

    private static void give(Var var, Tensor gradient) {
        if (var.needsGradient()) {
            var.giveGradient(gradient);
        }
    }

    private void eachBlock(Heads heads, int[] offsets, BlockAction action) {
        for (int s = 0; s + 1 < offsets.length; s++) {
            long start = offsets[s];
            blocks(heads, start, offsets[s + 1] - start, start, 0, action);
        }
    }

    /// The blocks of `rows` rows from `row`, whose columns begin at `column`, with `past` columns
    /// before that of the first row; several heads at once where their scores stay in cache.
    private void blocks(
            Heads heads, long row, long rows, long column, long past, BlockAction action) {
        for (long r = 0; r < rows; r += BLOCK_ROWS) {
            long height = Math.min(BLOCK_ROWS, rows - r);
            long first = rule.firstColumn(past + r);
            long columns = past + r + height - first;
            long bytes = heads.group() * height * columns * heads.q().dtype().bytes();
            long together = Math.clamp(SCORE_BYTES / bytes, 1, heads.keyHeads());
            for (long h = 0; h < heads.keyHeads(); h += together) {
                long count = Math.min(together, heads.keyHeads() - h);
                try (var _ = Scope.open("attention block")) {
                    action.run(
                            new Block(
                                    h,
                                    count,
                                    row + r,
                                    height,
                                    column + first,
                                    columns,
                                    past + r - first));
                }
            }
        }
    }

    private void forwardBlock(Heads x, Block b, Tensor out, Tensor logSums) {
        Tensor queries = gather(Buffer.QUERIES, x, x.q(), b); // [h, g·R, D]
        Tensor scores = scores(x, b, queries); // [h·g, R, C]
        Tensor sums =
                workspace.get(Buffer.LOG_SUMS, scores.dtype(), scores.size(0), scores.size(1));
        Kernels kernels = Kernels.of(scores);
        if (rule.softCap() > 0) {
            kernels.softCap(scores, rule.scale(), rule.softCap(), null);
        }
        kernels.causalSoftmax(scores, rule.softmaxScale(), b.visible(rule), sums);
        rowsOf(logSums, x, b).copyInPlace(sums);
        Tensor o =
                workspace.get(
                        Buffer.OUTPUTS, scores.dtype(), b.heads(), queries.size(1), x.width());
        Tensor.bmmInto(o, grouped(scores, b), values(x.v(), x, b));
        tokenMajor(out, x, b).copyInPlace(o.view(b.heads(), x.group(), b.rows(), x.width()));
    }

    private Heads backward(Heads x, int[] offsets, Tensor out, Tensor logSums, Tensor dOut) {
        try (var _ = Profile.operation("attention backward")) {
            return gradients(x, offsets, out, logSums, dOut);
        }
    }

    private Heads gradients(Heads x, int[] offsets, Tensor out, Tensor logSums, Tensor dOut) {
        long tokens = x.q().size(1);
        Tensor dots = Tensor.empty(out.dtype(), tokens * x.heads());
        Kernels.of(out).rowDots(dOut.view(-1, x.width()), out.view(-1, x.width()), dots);
        Tensor deltas = dots.view(tokens, x.heads()).t(); // [N, T]
        var d =
                new Heads(
                        Tensor.empty(x.q().dtype(), x.q().shape()),
                        Tensor.zeros(x.k().dtype(), x.k().shape()),
                        Tensor.zeros(x.v().dtype(), x.v().shape()));
        eachBlock(x, offsets, b -> backwardBlock(x, d, b, logSums, deltas, dOut));
        return d;
    }

    private void backwardBlock(
            Heads x, Heads d, Block b, Tensor logSums, Tensor deltas, Tensor dOut) {
        Tensor queries = gather(Buffer.QUERIES, x, x.q(), b); // [h, g·R, D]
        Tensor p = scores(x, b, queries); // [h·g, R, C]
        Kernels kernels = Kernels.of(p);
        Tensor sums = workspace.get(Buffer.LOG_SUMS, p.dtype(), p.size(0), p.size(1));
        sums.copyInPlace(rowsOf(logSums, x, b));
        Tensor slopes = null; // of the cap
        if (rule.softCap() > 0) {
            slopes = workspace.get(Buffer.SCORE_SLOPES, p.dtype(), p.shape());
            kernels.softCap(p, rule.scale(), rule.softCap(), slopes);
        }
        kernels.causalSoftmaxAgain(p, rule.softmaxScale(), b.visible(rule), sums);

        Tensor dO = workspace.get(Buffer.OUTPUTS, p.dtype(), b.heads(), queries.size(1), x.width());
        dO.view(b.heads(), x.group(), b.rows(), x.width()).copyInPlace(tokenMajor(dOut, x, b));
        values(d.v(), x, b).baddbmmInPlace(grouped(p, b).transpose(1, 2), dO);

        Tensor ds = workspace.get(Buffer.SCORES_GRADIENT, p.dtype(), p.shape());
        Tensor.bmmInto(grouped(ds, b), dO, values(x.v(), x, b).transpose(1, 2));
        Tensor delta = workspace.get(Buffer.DELTAS, p.dtype(), p.size(0), p.size(1));
        delta.copyInPlace(rowsOf(deltas, x, b));
        kernels.softmaxBackward(p, ds, delta, rule.softmaxScale());
        if (slopes != null) {
            ds.mulInPlace(slopes);
        }

        keys(d.k(), b).baddbmmInPlace(grouped(ds, b).transpose(1, 2), queries);
        Tensor dq = dO; // its memory: dO is done with
        Tensor.bmmInto(dq, grouped(ds, b), keys(x.k(), b));
        rowsOf(d.q(), x, b).copyInPlace(dq.view(-1, b.rows(), x.width()));
    }

    /// Q·Kᵀ of a block, unscaled. [h·g, R, C]
    private Tensor scores(Heads x, Block b, Tensor queries) {
        Tensor scores =
                workspace.get(
                        Buffer.SCORES,
                        queries.dtype(),
                        b.heads() * x.group(),
                        b.rows(),
                        b.columns());
        Tensor.bmmInto(grouped(scores, b), queries, keys(x.k(), b).transpose(1, 2));
        return scores;
    }

    /// [h·g, R, C] seen as [h, g·R, C]: one product per key-value head.
    private static Tensor grouped(Tensor scores, Block b) {
        return scores.view(b.heads(), -1, b.columns());
    }

    /// The block's rows of a head-major tensor, gathered. [h, g·R, D]
    private Tensor gather(Buffer buffer, Heads x, Tensor headMajor, Block b) {
        long heads = b.heads() * x.group();
        Tensor rows = workspace.get(buffer, headMajor.dtype(), heads, b.rows(), x.width());
        return rows.copyInPlace(rowsOf(headMajor, x, b)).view(b.heads(), -1, x.width());
    }

    /// A view of the block's rows of [N, T, …].
    private static Tensor rowsOf(Tensor headMajor, Heads x, Block b) {
        return headMajor
                .narrow(0, b.head() * x.group(), b.heads() * x.group())
                .narrow(1, b.row(), b.rows());
    }

    /// A view of the block's rows of [T, N·D]. [h, g, R, D]
    private static Tensor tokenMajor(Tensor tokenMajor, Heads x, Block b) {
        return tokenMajor
                .narrow(0, b.row(), b.rows())
                .view(b.rows(), x.keyHeads(), x.group(), x.width())
                .narrow(1, b.head(), b.heads())
                .permute(1, 2, 0, 3);
    }

    /// A view of the block's columns of [K, T, D]. [h, C, D]
    private static Tensor keys(Tensor k, Block b) {
        return k.narrow(0, b.head(), b.heads()).narrow(1, b.column(), b.columns());
    }

    /// A view of the block's columns of [T, K·D]. [h, C, D]
    private static Tensor values(Tensor v, Heads x, Block b) {
        return v.narrow(0, b.column(), b.columns())
                .view(b.columns(), x.keyHeads(), x.width())
                .narrow(1, b.head(), b.heads())
                .transpose(0, 1);
    }
}
