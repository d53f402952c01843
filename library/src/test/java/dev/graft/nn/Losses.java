package dev.graft.nn;

import dev.graft.model.Transformer;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Losses as numbers, read at once.
public final class Losses {
    /// Bytes of the sum, which is none of the model's.
    public static final long SUM_BYTES = 8;

    private Losses() {}

    static double of(Tape tape, Var hidden, Linear head, int[] labels, double scale) {
        return of(tape, hidden, head, LogitMap.PLAIN, labels, scale);
    }

    static double of(Tape tape, Var hidden, Linear head, LogitMap map, int[] labels, double scale) {
        Tensor sum = Tensor.zeros(DType.F64, 1);
        LmHeadLoss.forward(tape, hidden, head, map, Labels.of(labels), scale, sum);
        return sum.item();
    }

    public static double of(
            Transformer model,
            Tape tape,
            int[] ids,
            int[] positions,
            int[] offsets,
            int[] labels,
            double scale) {
        Tensor sum = Tensor.zeros(DType.F64, 1);
        model.loss(tape, ids, positions, offsets, labels, scale, sum);
        return sum.item();
    }
}
