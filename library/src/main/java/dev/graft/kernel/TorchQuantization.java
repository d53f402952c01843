package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Quantization spelled out in libtorch's operations, the oracle of the fast ones.
final class TorchQuantization {
    private TorchQuantization() {}

    /// Rows of a matrix in codes. F32 [rows, in]
    static Tensor rows(QuantizedMatrix w, long row, long rows) {
        return switch (w) {
            case FourBitMatrix m ->
                    elements(m, row * m.in(), (row + rows) * m.in()).view(rows, m.in());
            case Int8Matrix m -> {
                Tensor codes = m.codes().narrow(0, row, rows).to(DType.F32);
                Tensor maxima = m.maxima().narrow(0, row, rows).view(rows, 1);
                yield codes.mul(maxima).mul(Int8Matrix.STEP);
            }
        };
    }

    private static Tensor elements(FourBitMatrix w, long from, long to) {
        Tensor bytes = w.codes().view(-1).narrow(0, from / 2, (to + 1) / 2 - from / 2);
        Tensor pairs = Tensor.cat(1, column(bytes.shiftRight(4)), column(bytes.bitAnd(15)));
        Tensor codes = pairs.view(-1).narrow(0, from % 2, to - from).to(DType.I32);
        return w.table().indexSelect(0, codes).mul(maxima(w, from, to));
    }

    private static Tensor column(Tensor t) {
        return t.view(-1, 1);
    }

    /// The maximum of each element's block.
    private static Tensor maxima(FourBitMatrix w, long from, long to) {
        long size = w.blockSize();
        long first = from / size;
        long blocks = Math.ceilDiv(to, size) - first;
        Tensor maxima =
                switch (w.maxima()) {
                    case BlockMaxima.Plain(Tensor values) -> values.narrow(0, first, blocks);
                    case BlockMaxima.Nested n -> all(n).narrow(0, first, blocks);
                };
        Tensor spread = column(maxima).expand(blocks, size).contiguous().view(-1);
        return spread.narrow(0, from - first * size, to - from);
    }

    private static Tensor all(BlockMaxima.Nested n) {
        long blocks = n.blocks();
        long outer = n.maxima().numel();
        long size = BlockMaxima.Nested.SIZE;
        Tensor spread = column(n.maxima()).expand(outer, size).contiguous().view(-1);
        Tensor values = n.table().indexSelect(0, n.codes().to(DType.I32));
        return values.mul(spread.narrow(0, 0, blocks)).add(n.offset());
    }

    static void fourBit(
            Tensor values,
            float[] bounds,
            byte[] order,
            int blockSize,
            Tensor codes,
            Tensor maxima) {
        long n = values.numel();
        long blocks = n / blockSize;
        long full = blocks * blockSize;
        Tensor scaled = Tensor.empty(DType.F32, (n + 1) / 2 * 2).zeroInPlace();
        if (blocks > 0) {
            Tensor whole = values.view(-1).narrow(0, 0, full).view(blocks, blockSize);
            Tensor greatest = whole.abs().max(1); // [blocks]
            maxima.narrow(0, 0, blocks).copyInPlace(greatest);
            Tensor least = atLeast(greatest);
            Tensor factor = Tensor.full(DType.F32, 1, blocks).div(least);
            scaled.narrow(0, 0, full).copyInPlace(whole.mul(column(factor)).view(-1));
        }
        if (n > full) {
            Tensor rest = values.view(-1).narrow(0, full, n - full);
            Tensor least = atLeast(rest.abs().max().view(1));
            maxima.narrow(0, blocks, 1).copyInPlace(least);
            scaled.narrow(0, full, n - full).copyInPlace(rest.div(least));
        }
        Tensor index = scaled.clamp(-1, 1).bucketize(Tensor.of(bounds));
        int[] ranks = new int[order.length];
        for (int i = 0; i < ranks.length; i++) {
            ranks[i] = order[i];
        }
        Tensor code = Tensor.of(ranks).indexSelect(0, index).view(-1, 2);
        Tensor packed = code.select(1, 0).mul(16).add(code.select(1, 1));
        codes.view(-1).copyInPlace(packed);
    }

    private static Tensor atLeast(Tensor greatest) {
        return greatest.clamp(BlockRounding.LEAST, Double.POSITIVE_INFINITY);
    }
}
