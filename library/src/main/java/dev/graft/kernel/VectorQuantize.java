package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.load;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// Four-bit codes of blocks: x divided by the block's greatest |x|, then the number of thresholds
/// strictly below it.
final class VectorQuantize {
    private static final VectorSpecies<Integer> INTS = Lanes.SPECIES.withLanes(int.class);

    private VectorQuantize() {}

    /// What a loop over blocks reads and writes.
    private record Memory(
            MemorySegment values,
            float[] bounds,
            byte[] order,
            int blockSize,
            MemorySegment codes,
            MemorySegment maxima) {}

    static void fourBit(
            Tensor values,
            float[] bounds,
            byte[] order,
            int blockSize,
            Tensor codes,
            Tensor maxima) {
        long n = values.numel();
        long blocks = Math.ceilDiv(n, blockSize);
        var memory =
                new Memory(
                        Lanes.floats("quantize", values, n),
                        bounds,
                        order,
                        blockSize,
                        codes.segment(),
                        Lanes.floats("quantize", maxima, blocks));
        Workers.rows(
                blocks,
                16L * blockSize, // the work on an element is that of some sixteen elsewhere
                (from, to) -> {
                    int[] indices = new int[Math.ceilDiv(blockSize, LENGTH) * LENGTH];
                    for (long block = from; block < to; block++) {
                        long at = block * blockSize;
                        block(memory, block, at, (int) Math.min(blockSize, n - at), indices);
                    }
                });
    }

    private static void block(Memory m, long block, long at, int width, int[] indices) {
        float maximum = greatest(m.values, at, width);
        boolean whole = width == m.blockSize;
        float divisor = Math.max(maximum, BlockRounding.LEAST);
        Lanes.set(m.maxima, block, whole ? maximum : divisor);
        if (whole) {
            indices(m, at, width, 1 / divisor, indices);
        } else {
            for (int i = 0; i < width; i++) {
                float scaled = Lanes.get(m.values, at + i) / divisor;
                indices[i] = BlockRounding.index(m.bounds, Math.clamp(scaled, -1f, 1f));
            }
        }
        if ((width & 1) != 0) {
            indices[width] = BlockRounding.index(m.bounds, 0);
        }
        for (int i = 0; i < width; i += 2) {
            int pair = (m.order[indices[i]] << 4) | m.order[indices[i + 1]];
            m.codes.set(ValueLayout.JAVA_BYTE, (at + i) >> 1, (byte) pair);
        }
    }

    /// The greatest |x|; infinite or NaN where any is. Bits of numbers of one sign compare as
    /// integers.
    private static float greatest(MemorySegment values, long at, int width) {
        IntVector most = IntVector.zero(INTS);
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            most = most.max(load(values, at + i).reinterpretAsInts().and(Integer.MAX_VALUE));
        }
        int bits = most.reduceLanes(VectorOperators.MAX);
        for (; i < width; i++) {
            int one = Float.floatToRawIntBits(Lanes.get(values, at + i)) & Integer.MAX_VALUE;
            bits = Math.max(bits, one);
        }
        return Float.intBitsToFloat(bits);
    }

    private static void indices(Memory m, long at, int width, float scale, int[] indices) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            FloatVector x = load(m.values, at + i).mul(scale);
            IntVector index = IntVector.zero(INTS);
            for (float bound : m.bounds) {
                index = index.add(1, x.compare(VectorOperators.GT, bound).cast(INTS));
            }
            index.intoArray(indices, i);
        }
        for (; i < width; i++) {
            indices[i] = BlockRounding.index(m.bounds, Lanes.get(m.values, at + i) * scale);
        }
    }
}
