package dev.graft.nn;

import dev.graft.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/// What a pass is to predict, and where.
///
/// @param count n, labelled positions
/// @param at their rows, n of I32
/// @param ids the ids to predict there, n of I32
public record Labels(int count, Tensor at, Tensor ids) {
    /// Sends them to the device where tensors are made.
    ///
    /// @param labels one a position, negative where there is none
    public static Labels of(int[] labels) {
        int[] at = IntStream.range(0, labels.length).filter(i -> labels[i] >= 0).toArray();
        int[] ids = Arrays.stream(at).map(i -> labels[i]).toArray();
        return new Labels(at.length, Tensor.of(at), Tensor.of(ids));
    }

    /// Those of some of the labelled positions.
    Labels part(int from, int length) {
        return length == count
                ? this
                : new Labels(length, at.narrow(0, from, length), ids.narrow(0, from, length));
    }

    /// Takes the numbers of others, of which there are as many.
    public void take(Labels others) {
        at.copyInPlace(others.at);
        ids.copyInPlace(others.ids);
    }
}
