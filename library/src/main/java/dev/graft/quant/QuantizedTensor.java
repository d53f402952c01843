package dev.graft.quant;

import dev.graft.kernel.QuantizedMatrix;
import dev.graft.tensor.DType;

/// A matrix in codes, and what a file has to say of it.
///
/// @param how it was quantized
/// @param source type of the values before
public record QuantizedTensor(QuantizedMatrix matrix, Quantization how, DType source) {}
