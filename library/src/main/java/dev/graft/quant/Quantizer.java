package dev.graft.quant;

import dev.graft.error.ModelFormatException;
import dev.graft.kernel.BlockMaxima;
import dev.graft.kernel.FourBitMatrix;
import dev.graft.kernel.Int8Matrix;
import dev.graft.kernel.Kernels;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Turns matrices into codes, byte by byte as bitsandbytes does. Values are widened a few at a
/// time, so a matrix costs its codes and some 16 MB.
public final class Quantizer {
    private static final long CHUNK = 1 << 22; // elements; a multiple of every block size

    private Quantizer() {}

    /// Quantizes a matrix.
    ///
    /// @param name for the message
    /// @param source [out, in], F32, F16 or BF16, mapped or in memory
    /// @return codes and constants in the current scope
    /// @throws ModelFormatException if a value is infinite or not a number
    public static QuantizedTensor quantize(String name, Tensor source, Quantization how) {
        return switch (how) {
            case Quantization.FourBit f -> fourBit(name, source, f);
            case Quantization.Int8 i -> int8(name, source, i);
        };
    }

    private static QuantizedTensor fourBit(String name, Tensor source, Quantization.FourBit how) {
        long n = source.numel();
        int blockSize = how.blockSize();
        Tensor codes = Tensor.empty(DType.U8, (n + 1) / 2);
        Tensor maxima = Tensor.empty(DType.F32, Math.ceilDiv(n, blockSize));
        float[] bounds = how.code().bounds();
        byte[] order = how.code().order();
        try (var _ = Scope.open("quantizing " + name)) {
            Tensor values = source.view(-1);
            Tensor chunk = Tensor.empty(DType.F32, Math.min(n, CHUNK));
            Kernels kernels = Kernels.of(chunk);
            for (long at = 0; at < n; at += CHUNK) {
                long count = Math.min(CHUNK, n - at);
                Tensor part = chunk.narrow(0, 0, count);
                part.copyInPlace(values.narrow(0, at, count));
                kernels.quantize(
                        part,
                        bounds,
                        order,
                        blockSize,
                        codes.narrow(0, at / 2, (count + 1) / 2),
                        maxima.narrow(0, at / blockSize, Math.ceilDiv(count, blockSize)));
            }
        }
        requireFinite(name, maxima);
        BlockMaxima stored = how.doubleQuant() ? nested(maxima) : new BlockMaxima.Plain(maxima);
        var matrix =
                new FourBitMatrix(
                        codes,
                        stored,
                        how.code().table(),
                        blockSize,
                        source.size(0),
                        source.size(1));
        return new QuantizedTensor(matrix, how, source.dtype());
    }

    private static void requireFinite(String name, Tensor maxima) {
        if (!maxima.allFinite()) {
            throw new ModelFormatException(
                    name
                            + ": has values that are infinite or not numbers; expected finite weights: the file is damaged, or was saved from a run that diverged");
        }
    }

    /// The maxima's deviations from their mean in 8 bits, blocks of 256; frees the maxima.
    private static BlockMaxima nested(Tensor maxima) {
        long blocks = maxima.numel();
        int size = BlockMaxima.Nested.SIZE;
        Tensor codes = Tensor.empty(DType.U8, blocks);
        Tensor outer = Tensor.empty(DType.F32, Math.ceilDiv(blocks, size));
        float[] table = DynamicMap.signed();
        float offset;
        try (var _ = Scope.open("double quantization")) {
            offset = (float) maxima.mean(0, false).item();
            Blockwise8.quantize(maxima.add(-offset), table, size, codes, outer);
        }
        maxima.close();
        return new BlockMaxima.Nested(codes, outer, Tensor.of(table), offset);
    }

    private static QuantizedTensor int8(String name, Tensor source, Quantization.Int8 how) {
        long rows = source.size(0);
        long in = source.size(1);
        Tensor codes = Tensor.empty(DType.I8, rows, in);
        Tensor maxima = Tensor.empty(DType.F32, rows);
        long step = Math.max(1, CHUNK / in);
        for (long row = 0; row < rows; row += step) {
            long count = Math.min(step, rows - row);
            try (var _ = Scope.open("quantizing " + name)) {
                Tensor half = source.narrow(0, row, count).to(DType.F16).to(DType.F32);
                Tensor greatest = half.abs().max(1); // [count]
                maxima.narrow(0, row, count).copyInPlace(greatest);
                // a row of zeros is divided by something, and stays zeros
                Tensor divisor = greatest.clamp(1e-30, Double.POSITIVE_INFINITY);
                // PyTorch divides a number by a tensor in two roundings
                Tensor factor = Tensor.full(DType.F32, 1, count).div(divisor).mul(127);
                codes.narrow(0, row, count).copyInPlace(half.mul(factor.view(count, 1)).round());
            }
        }
        requireFinite(name, maxima);
        return new QuantizedTensor(new Int8Matrix(codes, maxima), how, source.dtype());
    }
}
