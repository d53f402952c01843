package dev.graft.plan;

import dev.graft.model.BaseResidency;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.quant.Quantization;
import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.DType;
import java.util.List;

/// How the frozen base is kept and multiplied.
///
/// @param stored type of the plain numbers in its files
/// @param codes what its matrices are turned into, or have been; null where they stay as stored
/// @param products the type that it is multiplied in, F32 or BF16
public record BaseStorage(
        DType stored, QuantizationConfig codes, BaseResidency residency, DType products) {
    /// NF4 in blocks of 64 with double quantization, the head as stored: QLoRA.
    public static final QuantizationConfig QLORA =
            new QuantizationConfig(Quantization.FourBit.DEFAULT, List.of("lm_head"));

    /// The files as they are, mapped.
    public static BaseStorage mapped(DType stored) {
        return new BaseStorage(stored, null, BaseResidency.AUTO, DType.F32);
    }

    public BaseStorage with(DType other) {
        return new BaseStorage(other, codes, residency, products);
    }

    public BaseStorage with(QuantizationConfig other) {
        return new BaseStorage(stored, other, residency, products);
    }

    public BaseStorage with(BaseResidency other) {
        return new BaseStorage(stored, codes, other, products);
    }

    /// The same, multiplied in that type.
    public BaseStorage multiplied(DType other) {
        return new BaseStorage(stored, codes, residency, other);
    }

    /// Whether plain matrices are expanded into the type of the computation.
    boolean widens(long numberBytes) {
        return products == DType.F32 && stored.bytes() != numberBytes;
    }

    boolean quantizes(Matrix linear) {
        return codes != null && !linear.router() && !codes.skips(linear.path());
    }
}
