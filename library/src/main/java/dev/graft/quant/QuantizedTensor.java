package dev.graft.quant;

import dev.graft.kernel.BlockMaxima;
import dev.graft.kernel.FourBitMatrix;
import dev.graft.kernel.Int8Matrix;
import dev.graft.kernel.QuantizedMatrix;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Tensor;
import java.util.function.UnaryOperator;

/// A matrix in codes, and what a file has to say of it.
///
/// @param how it was quantized
/// @param source type of the values before
public record QuantizedTensor(QuantizedMatrix matrix, Quantization how, DType source) {

    /// The same in memory of its own on a device, in the current scope.
    public QuantizedTensor copyTo(Device device) {
        return copyTo(device, codes -> codes.copyTo(device));
    }

    /// The same with its codes where they are put; scales and tables are on the device.
    ///
    /// @param put makes a copy of the codes
    public QuantizedTensor copyTo(Device device, UnaryOperator<Tensor> put) {
        QuantizedMatrix copy =
                switch (matrix) {
                    case FourBitMatrix m ->
                            new FourBitMatrix(
                                    put.apply(m.codes()),
                                    copy(m.maxima(), device),
                                    m.table().copyTo(device),
                                    m.blockSize(),
                                    m.out(),
                                    m.in());
                    case Int8Matrix m ->
                            new Int8Matrix(put.apply(m.codes()), m.maxima().copyTo(device));
                };
        return new QuantizedTensor(copy, how, source);
    }

    /// The same with its codes elsewhere; those it has are closed.
    public QuantizedTensor withCodes(UnaryOperator<Tensor> elsewhere) {
        QuantizedTensor moved = over(elsewhere.apply(matrix.codes()));
        matrix.codes().close();
        return moved;
    }

    /// The same over other memory for its codes.
    ///
    /// @param codes of the shape and type of those it has
    public QuantizedTensor over(Tensor codes) {
        QuantizedMatrix other =
                switch (matrix) {
                    case FourBitMatrix m ->
                            new FourBitMatrix(
                                    codes, m.maxima(), m.table(), m.blockSize(), m.out(), m.in());
                    case Int8Matrix m -> new Int8Matrix(codes, m.maxima());
                };
        return new QuantizedTensor(other, how, source);
    }

    private static BlockMaxima copy(BlockMaxima maxima, Device device) {
        return switch (maxima) {
            case BlockMaxima.Plain p -> new BlockMaxima.Plain(p.values().copyTo(device));
            case BlockMaxima.Nested n ->
                    new BlockMaxima.Nested(
                            n.codes().copyTo(device),
                            n.maxima().copyTo(device),
                            n.table().copyTo(device),
                            n.offset());
        };
    }
}
