package dev.graft.kernel;

/// How scores become probabilities: softmax(cap · tanh(scale · Q·Kᵀ / cap)) over the last
/// `window` columns.
///
/// @param scale 1/√D, as a rule
/// @param softCap bound of the scores (Gemma Team 2024); 0 for none
/// @param window columns that a row sees, its own among them (Beltagy et al. 2020); 0 for all
public record AttentionRule(double scale, double softCap, long window) {
    /// All columns, no bound.
    public static AttentionRule plain(double scale) {
        return new AttentionRule(scale, 0, 0);
    }

    /// The first column that a row sees, both counted from the start of their sequence.
    public long firstColumn(long row) {
        return window == 0 ? 0 : Math.max(0, row - window + 1);
    }

    /// The factor that the softmax has left to apply.
    double softmaxScale() {
        return softCap == 0 ? scale : 1;
    }
}
