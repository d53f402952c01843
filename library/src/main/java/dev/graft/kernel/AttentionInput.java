package dev.graft.kernel;

import dev.graft.tensor.Tensor;
import dev.graft.tensor.Torch;

/// Queries, keys and values of grouped heads, and which of them see which.
///
/// @param q [N, T, D], position already encoded
/// @param k [K, C, D], position already encoded
/// @param v [C, K·D]
/// @param packing of the rows; one sequence where there is a past
/// @param past columns before that of the first row: C = T + past
public record AttentionInput(
        Tensor q, Tensor k, Tensor v, Packing packing, long past, AttentionRule rule) {
    /// Checks the shapes.
    public AttentionInput {
        long columns = q.size(1) + past;
        boolean fits =
                k.size(1) == columns
                        && v.size(0) == columns
                        && v.size(1) == k.size(0) * q.size(2)
                        && k.size(2) == q.size(2)
                        && q.size(0) % k.size(0) == 0
                        && packing.rows() == q.size(1)
                        && (past == 0 || packing.count() == 1);
        if (!fits) {
            throw new IllegalArgumentException(
                    "attention: q %s, k %s, v %s do not fit each other and %d columns before them"
                            .formatted(q.describe(), k.describe(), v.describe(), past));
        }
    }

    /// N.
    int heads() {
        return (int) q.size(0);
    }

    /// K.
    int keyHeads() {
        return (int) k.size(0);
    }

    /// Query heads that share a key head.
    int group() {
        return heads() / keyHeads();
    }

    /// D.
    int width() {
        return (int) q.size(2);
    }

    /// T.
    int rows() {
        return (int) q.size(1);
    }

    /// C.
    int columns() {
        return (int) k.size(1);
    }

    int sequences() {
        return packing.count();
    }

    int start(int sequence) {
        return packing.start(sequence);
    }

    /// Rows of a sequence.
    int length(int sequence) {
        return packing.length(sequence);
    }

    /// The shape of the operation's scratch memory, for the threads that there are. What runs on a
    /// card makes its own.
    public long[] scratch(boolean backward) {
        if (!q.onCpu()) {
            return new long[] {0};
        }
        return buffers().shape(longest(), past, backward, Torch.threads());
    }

    /// Rows of the longest sequence.
    long longest() {
        return packing.longest();
    }

    AttentionScratch buffers() {
        return new AttentionScratch(rule, group(), width());
    }

    /// Multiplications and additions of so many products over the columns that are seen.
    long flops(int products) {
        long pairs = 0;
        for (int s = 0; s < sequences(); s++) {
            for (long row = past; row < past + length(s); row++) {
                pairs += row + 1 - rule.firstColumn(row);
            }
        }
        return 2L * products * heads() * width() * pairs;
    }
}
