package dev.graft.quant;

import dev.graft.kernel.BlockMaxima;
import dev.graft.kernel.FourBitMatrix;
import dev.graft.kernel.Int8Matrix;
import dev.graft.kernel.QuantizedMatrix;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Tensor;

/// A matrix in codes, and what a file has to say of it.
///
/// @param how it was quantized
/// @param source type of the values before
public record QuantizedTensor(QuantizedMatrix matrix, Quantization how, DType source) {

    /// The same in memory of its own on a device, in the current scope.
    public QuantizedTensor copyTo(Device device) {
        QuantizedMatrix copy =
                switch (matrix) {
                    case FourBitMatrix m ->
                            new FourBitMatrix(
                                    copy(m.codes(), device),
                                    copy(m.maxima(), device),
                                    copy(m.table(), device),
                                    m.blockSize(),
                                    m.out(),
                                    m.in());
                    case Int8Matrix m ->
                            new Int8Matrix(copy(m.codes(), device), copy(m.maxima(), device));
                };
        return new QuantizedTensor(copy, how, source);
    }

    private static Tensor copy(Tensor x, Device device) {
        return x.device().equals(device) ? x.copy() : x.to(device);
    }

    private static BlockMaxima copy(BlockMaxima maxima, Device device) {
        return switch (maxima) {
            case BlockMaxima.Plain p -> new BlockMaxima.Plain(copy(p.values(), device));
            case BlockMaxima.Nested n ->
                    new BlockMaxima.Nested(
                            copy(n.codes(), device),
                            copy(n.maxima(), device),
                            copy(n.table(), device),
                            n.offset());
        };
    }
}
