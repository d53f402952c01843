package dev.graft.quant;

import dev.graft.kernel.BlockMaxima;
import dev.graft.kernel.FourBitMatrix;
import dev.graft.kernel.Int8Matrix;
import dev.graft.kernel.QuantizedMatrix;
import dev.graft.tensor.DType;

/// A matrix in codes, and what a file has to say of it.
///
/// @param how it was quantized
/// @param source type of the values before
public record QuantizedTensor(QuantizedMatrix matrix, Quantization how, DType source) {

    /// The same in memory of its own, in the current scope.
    public QuantizedTensor copy() {
        QuantizedMatrix copy =
                switch (matrix) {
                    case FourBitMatrix m ->
                            new FourBitMatrix(
                                    m.codes().copy(),
                                    copy(m.maxima()),
                                    m.table().copy(),
                                    m.blockSize(),
                                    m.out(),
                                    m.in());
                    case Int8Matrix m -> new Int8Matrix(m.codes().copy(), m.maxima().copy());
                };
        return new QuantizedTensor(copy, how, source);
    }

    private static BlockMaxima copy(BlockMaxima maxima) {
        return switch (maxima) {
            case BlockMaxima.Plain p -> new BlockMaxima.Plain(p.values().copy());
            case BlockMaxima.Nested n ->
                    new BlockMaxima.Nested(
                            n.codes().copy(), n.maxima().copy(), n.table().copy(), n.offset());
        };
    }
}
