package dev.graft.plan;

/// What a run holds in memory from its first step to its last, in bytes. Activations come on top
/// and depend on the batch.
///
/// @param baseParameters of the model
/// @param trainedParameters of the adapter, or of the model when it is trained whole
/// @param weights the base as it is stored; mapped from its files where it is frozen
/// @param trained the trained parameters, float32
/// @param gradients one float32 a trained parameter
/// @param optimizer AdamW's two float32 moments
public record Bill(
        long baseParameters,
        long trainedParameters,
        long weights,
        long trained,
        long gradients,
        long optimizer) {

    /// The bill of a run.
    ///
    /// @param weightBytes of the base's files
    public static Bill of(long baseParameters, long weightBytes, long trainedParameters) {
        return new Bill(
                baseParameters,
                trainedParameters,
                weightBytes,
                4 * trainedParameters,
                4 * trainedParameters,
                8 * trainedParameters);
    }

    public long total() {
        return weights + trained + gradients + optimizer;
    }

    /// Trained parameters by those of the base, in percent.
    public double trainedPercent() {
        return 100.0 * trainedParameters / baseParameters;
    }
}
