package dev.graft.data;

import java.util.Arrays;
import java.util.List;

/// Sequences laid end to end, without padding.
///
/// `offsets[b] .. offsets[b + 1]` are the tokens of sequence `b`; attention never crosses that
/// border. `labels[i]` is the id that the model should predict *after* token `i`: the next token of
/// the same sequence where that one is trained, [#IGNORE] elsewhere. A sequence's last position is
/// always ignored.
///
/// @param ids [T] token ids
/// @param positions [T] position within the own sequence, from 0
/// @param offsets [B + 1] where each sequence begins; the last entry is T
/// @param labels [T] next token id, or [#IGNORE] Compared by content below. Not copied: a hot path;
/// read-only by convention.
@SuppressWarnings("ArrayRecordComponent")
public record Batch(int[] ids, int[] positions, int[] offsets, int[] labels) {
    /// The label of a position whose prediction is not trained.
    public static final int IGNORE = -1;

    public Batch {
        if (offsets.length < 2 || offsets[0] != 0 || offsets[offsets.length - 1] != ids.length) {
            throw new IllegalArgumentException(
                    "offsets %s do not span %d tokens"
                            .formatted(Arrays.toString(offsets), ids.length));
        }
        if (positions.length != ids.length || labels.length != ids.length) {
            throw new IllegalArgumentException(
                    "%d ids, %d positions, %d labels: lengths have to agree"
                            .formatted(ids.length, positions.length, labels.length));
        }
    }

    /// Lays the examples end to end in the order given.
    public static Batch of(List<Example> examples) {
        if (examples.isEmpty()) {
            throw new IllegalArgumentException("a batch needs at least one example");
        }
        int tokens = 0;
        for (var example : examples) {
            tokens = Math.addExact(tokens, example.length());
        }
        var ids = new int[tokens];
        var positions = new int[tokens];
        var labels = new int[tokens];
        var offsets = new int[examples.size() + 1];
        int start = 0;
        for (int b = 0; b < examples.size(); b++) {
            var example = examples.get(b);
            int length = example.length();
            System.arraycopy(example.ids(), 0, ids, start, length);
            for (int i = 0; i < length; i++) {
                positions[start + i] = i;
                boolean trained = i + 1 < length && example.trained()[i + 1];
                labels[start + i] = trained ? example.ids()[i + 1] : IGNORE;
            }
            start += length;
            offsets[b + 1] = start;
        }
        return new Batch(ids, positions, offsets, labels);
    }

    /// T, the tokens of all sequences.
    public int tokens() {
        return ids.length;
    }

    /// B, the number of sequences.
    public int sequences() {
        return offsets.length - 1;
    }

    /// How many labels are not ignored: what the loss is divided by.
    public int trainedTokens() {
        int count = 0;
        for (int label : labels) {
            if (label != IGNORE) {
                count++;
            }
        }
        return count;
    }

    /// The length of the longest sequence.
    public int longest() {
        int longest = 0;
        for (int b = 0; b < sequences(); b++) {
            longest = Math.max(longest, offsets[b + 1] - offsets[b]);
        }
        return longest;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Batch that
                && Arrays.equals(ids, that.ids)
                && Arrays.equals(positions, that.positions)
                && Arrays.equals(offsets, that.offsets)
                && Arrays.equals(labels, that.labels);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * Arrays.hashCode(ids) + Arrays.hashCode(offsets))
                + Arrays.hashCode(labels);
    }

    @Override
    public String toString() {
        return "Batch[%d sequences, %d tokens, %d trained]"
                .formatted(sequences(), tokens(), trainedTokens());
    }
}
