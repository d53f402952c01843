package dev.graft.model;

import dev.graft.nn.LogitMap;
import dev.graft.tensor.DType;

/// Factors of a model's values.
///
/// @param embedding of the embeddings
/// @param rounded whether that factor is rounded to the type that the table is stored in
/// @param residual of what a block adds
/// @param logits of the head's output
/// @param logitSoftCap bound of the logits, 0 for none
public record Multipliers(
        double embedding, boolean rounded, double residual, double logits, double logitSoftCap) {
    static final Multipliers NONE = new Multipliers(1, false, 1, 1, 0);

    LogitMap logitMap() {
        return new LogitMap(logits, logitSoftCap);
    }

    /// The factor of embeddings whose table is stored in this type.
    double embedding(DType stored) {
        return rounded ? stored.round(embedding) : embedding;
    }
}
