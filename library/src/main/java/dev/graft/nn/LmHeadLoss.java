package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.nn.Workspace.Buffer;
import dev.graft.profile.Profile;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// The output head and the cross-entropy in one: chunks of labelled positions are projected, their
/// loss and gradient taken and their dx added, so the logits of a whole sequence never exist and
/// positions without a label cost nothing.
///
/// With logits z = h·Wᵀ + s·(h·Aᵀ)·Bᵀ: loss = Σ −log softmax(z) at the label,
/// dz = softmax(z) − onehot.
public final class LmHeadLoss {
    /// Bytes of the logits of a chunk, but for very large vocabularies.
    private static final long LOGIT_BYTES = 48 << 20;

    /// A card reads the whole matrix for each chunk; by its bandwidth that takes as long as the
    /// products of some 200 rows.
    private static final long LOGIT_BYTES_OF_A_CARD = 96 << 20;

    private static final long LEAST_ROWS = 16;
    private static final long ROWS_OF_A_TILE = 128; // of a card's products

    private LmHeadLoss() {}

    /// Labelled positions of a chunk, at most.
    ///
    /// @param numberBytes of the type of the computation
    public static long chunkRows(long vocabulary, long numberBytes, boolean onCard) {
        long bytes = onCard ? LOGIT_BYTES_OF_A_CARD : LOGIT_BYTES;
        long rows = Math.max(LEAST_ROWS, bytes / (vocabulary * numberBytes));
        boolean hasTiles = onCard && rows >= ROWS_OF_A_TILE;
        return hasTiles ? rows / ROWS_OF_A_TILE * ROWS_OF_A_TILE : rows;
    }

    /// Takes the loss and, on a recording tape, puts the gradient of `scale · loss` in place.
    ///
    /// @param hidden [T, H], normed
    /// @param map what the head's output goes through
    /// @param scale 1 / trained tokens of the step
    /// @param sum [1] F64; the sum of the losses in nats, not scaled, is added
    public static void forward(
            Tape tape,
            Var hidden,
            Linear head,
            LogitMap map,
            Labels labels,
            double scale,
            Tensor sum) {
        Tensor values = hidden.value();
        boolean onCard = !values.onCpu(); // the device without numbers stands for one
        int chunk = (int) chunkRows(head.weight().out(), values.dtype().bytes(), onCard);
        for (int from = 0; from < labels.count(); from += chunk) {
            int rows = Math.min(chunk, labels.count() - from);
            try (var _ = Scope.open("loss chunk");
                    var _ = Profile.operation("head and loss")) {
                Tensor losses = Tensor.empty(DType.F64, rows);
                chunk(tape, hidden, head, map, labels.part(from, rows), scale, losses);
                sum.addInPlace(losses.sum());
            }
        }
    }

    private static void chunk(
            Tape tape,
            Var hidden,
            Linear head,
            LogitMap map,
            Labels labels,
            double scale,
            Tensor losses) {
        Tensor rows = hidden.value().indexSelect(0, labels.at()); // [n, H]
        Tensor logits =
                tape.workspace()
                        .get(Buffer.LOGITS, rows.dtype(), labels.count(), head.weight().out());
        head.weight().product(rows, logits, tape.workspace());
        if (head.bias() != null) {
            logits.addInPlace(head.bias());
        }
        LowRankRows part = head.lowRank() == null ? null : lowRank(tape, head.lowRank(), rows);
        if (part != null) {
            head.lowRank().addTo(logits, part.reduced());
        }
        Tensor slopes = null;
        if (tape.isTraining()) {
            slopes = map.apply(logits, tape.workspace());
        } else {
            map.apply(logits);
        }
        Kernels.of(logits).crossEntropy(logits, labels.ids(), scale, losses);
        if (tape.isTraining()) {
            map.backward(logits, slopes);
            backward(tape, hidden, head, labels.at(), rows, logits, part);
        }
    }

    /// The low-rank part of a chunk: drop(h) [n, H], drop(h)·Aᵀ [n, r], and the seed of the mask.
    private record LowRankRows(Tensor dropped, Tensor reduced, long dropoutSeed) {}

    private static LowRankRows lowRank(Tape tape, LowRank part, Tensor rows) {
        boolean drops = tape.isTraining() && part.dropout() > 0;
        long seed = drops ? tape.nextDropoutSeed() : 0;
        Tensor dropped = drops ? Dropout.apply(rows, part.dropout(), seed) : rows;
        return new LowRankRows(dropped, part.reduce(dropped), seed);
    }

    private static void backward(
            Tape tape,
            Var hidden,
            Linear head,
            Tensor at,
            Tensor rows,
            Tensor dLogits,
            LowRankRows lowRank) {
        if (head.weight() instanceof TrainedWeight trained) {
            trained.addGradient(dLogits, rows);
        }
        if (head.trainedBias() != null) {
            head.trainedBias().gradient().addInPlace(dLogits.sum(0, false));
        }
        Tensor dRows = Tensor.empty(rows.dtype(), rows.shape());
        if (hidden.needsGradient()) {
            head.weight().productTransposed(dLogits, dRows, false, tape.workspace());
        }
        LowRank part = head.lowRank();
        if (part != null) {
            Tensor u = Tensor.empty(dLogits.dtype(), rows.size(0), part.rank());
            part.reducedGradient(dLogits, u);
            part.addGradientOfB(dLogits, lowRank.reduced());
            part.addGradientOfA(u, lowRank.dropped());
            if (hidden.needsGradient() && part.dropout() > 0) {
                Tensor dx = Tensor.empty(rows.dtype(), rows.shape());
                part.inputGradient(u, dx, false);
                dRows.addInPlace(Dropout.applyInPlace(dx, part.dropout(), lowRank.dropoutSeed()));
            } else if (hidden.needsGradient()) {
                part.inputGradient(u, dRows, true);
            }
        }
        if (hidden.needsGradient()) {
            hidden.gradientSoFar().indexAddInPlace(0, at, dRows);
        }
    }
}
