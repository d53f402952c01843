package dev.graft.plan;

import dev.graft.tensor.DType;

/// How the frozen base is kept.
///
/// @param stored type of the numbers in its files
public record BaseStorage(DType stored, Quantization quantization, Residency residency) {

    /// The files as they are, mapped.
    public static BaseStorage mapped(DType stored) {
        return new BaseStorage(stored, new Quantization.None(), Residency.MAPPED);
    }

    public BaseStorage with(Quantization other) {
        return new BaseStorage(stored, other, residency);
    }

    public BaseStorage with(Residency other) {
        return new BaseStorage(stored, quantization, other);
    }
}
