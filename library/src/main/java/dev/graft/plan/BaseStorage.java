package dev.graft.plan;

import dev.graft.model.BaseResidency;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.quant.Quantization;
import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.DType;
import java.util.List;

/// How the frozen base is kept.
///
/// @param stored type of the plain numbers in its files
/// @param codes what its matrices are turned into, or have been; null where they stay as stored
public record BaseStorage(DType stored, QuantizationConfig codes, BaseResidency residency) {
    /// NF4 in blocks of 64 with double quantization, the head as stored: QLoRA.
    public static final QuantizationConfig QLORA =
            new QuantizationConfig(Quantization.FourBit.DEFAULT, List.of("lm_head"));

    /// The files as they are, mapped.
    public static BaseStorage mapped(DType stored) {
        return new BaseStorage(stored, null, BaseResidency.AUTO);
    }

    public BaseStorage with(DType other) {
        return new BaseStorage(other, codes, residency);
    }

    public BaseStorage with(QuantizationConfig other) {
        return new BaseStorage(stored, other, residency);
    }

    public BaseStorage with(BaseResidency other) {
        return new BaseStorage(stored, codes, other);
    }

    boolean quantizes(Matrix linear) {
        return codes != null && !linear.router() && !codes.skips(linear.path());
    }
}
