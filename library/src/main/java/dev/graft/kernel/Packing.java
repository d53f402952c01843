package dev.graft.kernel;

import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Sequences laid end to end, of which none sees another.
///
/// @param offsets where each starts, and T
/// @param starts the same in a card's memory, [S + 1] I32; null where each operation sends it anew,
///     and on the processor
@SuppressWarnings("ArrayRecordComponent") // read-only by convention
public record Packing(int[] offsets, Tensor starts) {
    /// For all operations of a pass on the device where tensors are made.
    public static Packing of(int... offsets) {
        boolean onCpu = Scope.currentDevice().isCpu();
        return new Packing(offsets, onCpu ? null : Tensor.of(offsets));
    }

    /// [S + 1] I32, on the device where tensors are made.
    Tensor onDevice() {
        return starts == null ? Tensor.of(offsets) : starts;
    }

    /// S.
    int count() {
        return offsets.length - 1;
    }

    /// T.
    int rows() {
        return offsets[count()];
    }

    int start(int sequence) {
        return offsets[sequence];
    }

    /// Rows of a sequence.
    int length(int sequence) {
        return offsets[sequence + 1] - offsets[sequence];
    }

    /// Rows of the longest.
    int longest() {
        int longest = 0;
        for (int s = 0; s < count(); s++) {
            longest = Math.max(longest, length(s));
        }
        return longest;
    }
}
