package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Eight-bit integers with a maximum a row: value = code · maximum / 127 (Dettmers et al. 2022, the
/// stored form of LLM.int8).
///
/// @param codes I8 [out, in]
/// @param maxima F32, one a row
public record Int8Matrix(Tensor codes, Tensor maxima) implements QuantizedMatrix {
    /// 1/127 in float32, as bitsandbytes has it.
    static final float STEP = 1f / 127;

    public Int8Matrix {
        if (codes.dtype() != DType.I8
                || codes.dim() != 2
                || maxima.dtype() != DType.F32
                || maxima.numel() != codes.size(0)) {
            throw new IllegalArgumentException(
                    "int8 codes and row maxima: found %s and %s"
                            .formatted(codes.describe(), maxima.describe()));
        }
    }

    @Override
    public long out() {
        return codes.size(0);
    }

    @Override
    public long in() {
        return codes.size(1);
    }
}
