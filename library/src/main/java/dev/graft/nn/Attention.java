package dev.graft.nn;

import dev.graft.kernel.AttentionInput;
import dev.graft.kernel.AttentionRule;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Packing;
import dev.graft.nn.Workspace.Buffer;
import dev.graft.profile.Profile;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Causal attention of grouped heads, O = softmax(Q·Kᵀ · scale)·V within each sequence. Kept: q, k,
/// v, O and the log-sum of each row, from which the backward pass makes the probabilities again
/// (Dao et al. 2022).
public final class Attention {
    private Attention() {}

    /// Attention of whole sequences laid end to end.
    ///
    /// @param q [N, T, D], position already encoded
    /// @param k [K, T, D], position already encoded
    /// @param v [T, K·D]
    /// @return [T, N·D]
    public static Var forward(Tape tape, Var q, Var k, Var v, Packing packing, AttentionRule rule) {
        Tensor heads = q.value();
        Tensor out = out(heads);
        Tensor logSums = Tensor.empty(heads.dtype().sums(), heads.size(0), heads.size(1));
        var input = new AttentionInput(heads, k.value(), v.value(), packing, 0, rule);
        run(tape, input, out, logSums);
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
                    backward(tape, new Vars(q, k, v), packing, rule, out, logSums, dOut);
                });
        return result;
    }

    private record Vars(Var q, Var k, Var v) {}

    /// Attention of new tokens to all that is cached, for generation; keeps nothing.
    ///
    /// @param q [N, R, D], the new tokens
    /// @param k [K, C, D], the cache, the new tokens last
    /// @param v [C, K·D]
    /// @return [R, N·D]
    public static Tensor cached(Tape tape, Tensor q, Tensor k, Tensor v, AttentionRule rule) {
        int rows = (int) q.size(1);
        Tensor out = out(q);
        Tensor logSums = Tensor.empty(q.dtype().sums(), q.size(0), rows);
        long past = k.size(1) - rows;
        var packing = new Packing(new int[] {0, rows}, null);
        run(tape, new AttentionInput(q, k, v, packing, past, rule), out, logSums);
        return out;
    }

    /// Attention of one new token to the columns up to its own, where the host does not know which
    /// that is. For a pass that is recorded; spelled out in libtorch's operations.
    ///
    /// @param q [N, 1, D]
    /// @param k [K, C, D], the cache, with any numbers behind the token's own
    /// @param v [C, K·D], with any finite numbers there
    /// @param position [1] I64, the column of the new token
    /// @param columns [C] F32, 0 to C − 1
    /// @return [1, N·D]
    public static Tensor ofOne(
            Tensor q, Tensor k, Tensor v, Tensor position, Tensor columns, AttentionRule rule) {
        long heads = q.size(0);
        long width = q.size(2);
        long keyHeads = k.size(0);
        try (var scope = Scope.open("attention of one");
                var _ = Profile.operation("attention")) {
            Tensor grouped = q.view(keyHeads, heads / keyHeads, width);
            Tensor scores = grouped.matmul(k.transpose(1, 2)).to(q.dtype().sums());
            scores = scores.mul(rule.scale()); // [K, N/K, C]
            if (rule.softCap() > 0) {
                scores = scores.mul(1 / rule.softCap()).tanh().mul(rule.softCap());
            }
            Tensor ahead = columns.sub(position);
            scores = scores.maskedFill(ahead.gt(0), Double.NEGATIVE_INFINITY);
            if (rule.window() > 0) {
                Tensor far = ahead.neg().gt(rule.window() - 1.0);
                scores = scores.maskedFill(far, Double.NEGATIVE_INFINITY);
            }
            Tensor values = v.view(v.size(0), keyHeads, width).transpose(0, 1); // [K, C, D]
            Tensor attended = scores.softmax(2).to(q.dtype()).matmul(values);
            return scope.keep(attended.view(1, heads * width));
        }
    }

    private static Tensor out(Tensor q) {
        return Tensor.empty(q.dtype(), q.size(1), q.size(0) * q.size(2));
    }

    private static void run(Tape tape, AttentionInput in, Tensor out, Tensor logSums) {
        Tensor scratch = scratch(tape, in, false);
        try (var _ = Profile.operation("attention")) {
            Kernels.of(out).attention(in, out, logSums, scratch);
        }
    }

    private static Tensor scratch(Tape tape, AttentionInput in, boolean backward) {
        return tape.workspace().get(Buffer.SCORES, in.q().dtype(), in.scratch(backward));
    }

    private static void backward(
            Tape tape,
            Vars x,
            Packing packing,
            AttentionRule rule,
            Tensor out,
            Tensor logSums,
            Tensor dOut) {
        var in = new AttentionInput(x.q.value(), x.k.value(), x.v.value(), packing, 0, rule);
        Tensor dq = Tensor.empty(out.dtype(), in.q().shape());
        Tensor dk = Tensor.empty(out.dtype(), in.k().shape());
        Tensor dv = Tensor.empty(out.dtype(), in.v().shape());
        Tensor scratch = scratch(tape, in, true);
        try (var _ = Profile.operation("attention backward")) {
            Kernels.of(out).attentionBackward(in, out, logSums, dOut, dq, dk, dv, scratch);
        }
        give(x.q, dq);
        give(x.k, dk);
        give(x.v, dv);
    }

    private static void give(Var var, Tensor gradient) {
        if (var.needsGradient()) {
            var.giveGradient(gradient);
        }
    }
}
