package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// Values of four-bit codes: a vector of codes by shifts, their values by a permutation of the
/// table, times the block's maximum. 16 or 8 lanes; with fewer, one by one.
final class VectorFourBit {
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final VectorSpecies<Integer> INTS = Lanes.SPECIES.withLanes(int.class);
    private static final boolean VECTORS = LENGTH == 16 || LENGTH == 8;

    /// Lane i takes the half byte i of a word of eight.
    private static final IntVector SHIFTS =
            IntVector.fromArray(INTS, INTS.iotaShuffle(0, 1, true).toArray(), 0)
                    .lanewise(VectorOperators.XOR, 1)
                    .and(7)
                    .mul(4);

    private static final VectorMask<Integer> UPPER =
            VectorMask.fromLong(INTS, LENGTH == 16 ? 0xff00 : 0);

    private VectorFourBit() {}

    /// The memory of a matrix.
    private static final class Memory {
        private final MemorySegment codes;
        private final MemorySegment table;
        private final IntVector low;
        private final IntVector high;
        private final int blockSize;
        private final boolean nested;
        private final MemorySegment maxima;
        private final MemorySegment maximaCodes;
        private final MemorySegment maximaTable;
        private final float offset;

        Memory(FourBitMatrix w) {
            codes = w.codes().segment();
            table = w.table().segment();
            low = table(0);
            high = table(LENGTH == 8 ? 8 : 0);
            blockSize = w.blockSize();
            switch (w.maxima()) {
                case BlockMaxima.Plain(Tensor values) -> {
                    nested = false;
                    maxima = values.segment();
                    maximaCodes = MemorySegment.NULL;
                    maximaTable = MemorySegment.NULL;
                    offset = 0;
                }
                case BlockMaxima.Nested n -> {
                    nested = true;
                    maxima = n.maxima().segment();
                    maximaCodes = n.codes().segment();
                    maximaTable = n.table().segment();
                    offset = n.offset();
                }
            }
        }

        private IntVector table(int from) {
            return VECTORS
                    ? IntVector.fromMemorySegment(INTS, table, from * 4L, ByteOrder.LITTLE_ENDIAN)
                    : null;
        }

        float maximum(long block) {
            if (!nested) {
                return Lanes.get(maxima, block);
            }
            int code = maximaCodes.get(ValueLayout.JAVA_BYTE, block) & 0xff;
            float outer = Lanes.get(maxima, block / BlockMaxima.Nested.SIZE);
            return Lanes.get(maximaTable, code) * outer + offset;
        }

        float value(long element) {
            int pair = codes.get(ValueLayout.JAVA_BYTE, element >> 1);
            return Lanes.get(table, (element & 1) == 0 ? (pair >> 4) & 15 : pair & 15);
        }
    }

    /// The table's values of the codes from an even element on.
    private static FloatVector values(
            MemorySegment codes, IntVector low, IntVector high, long element) {
        if (LENGTH == 16) {
            long word = codes.get(LONG, element >> 1);
            IntVector words =
                    IntVector.broadcast(INTS, (int) word)
                            .blend(IntVector.broadcast(INTS, (int) (word >>> 32)), UPPER);
            IntVector index = words.lanewise(VectorOperators.LSHR, SHIFTS).and(15);
            return index.selectFrom(low).reinterpretAsFloats();
        }
        int word = codes.get(INT, element >> 1);
        IntVector index =
                IntVector.broadcast(INTS, word).lanewise(VectorOperators.LSHR, SHIFTS).and(15);
        IntVector lane = index.and(7);
        return lane.selectFrom(low)
                .blend(lane.selectFrom(high), index.compare(VectorOperators.GT, 7))
                .reinterpretAsFloats();
    }

    /// out = rows `row` and following of W. [R, in]
    static void expand(FourBitMatrix w, long row, Tensor out) {
        long in = w.in();
        var memory = new Memory(w);
        var target = Lanes.floats("expand", out, out.size(0) * in);
        Workers.rows(
                out.size(0),
                in,
                (from, to) ->
                        expand(memory, (row + from) * in, (row + to) * in, target, from * in));
    }

    /// Writes elements `from` to `to` of the flattened matrix.
    private static void expand(Memory w, long from, long to, MemorySegment out, long at) {
        long shift = at - from;
        for (long i = from; i < to; ) {
            long block = i / w.blockSize;
            long end = Math.min(to, (block + 1) * w.blockSize);
            run(w, i, end, w.maximum(block), out, shift);
            i = end;
        }
    }

    private static void run(
            Memory w, long from, long to, float maximum, MemorySegment out, long shift) {
        long i = from;
        if ((i & 1) != 0) {
            Lanes.set(out, i + shift, w.value(i) * maximum);
            i++;
        }
        if (VECTORS) {
            for (; i <= to - LENGTH; i += LENGTH) {
                store(values(w.codes, w.low, w.high, i).mul(maximum), out, i + shift);
            }
        }
        for (; i < to; i++) {
            Lanes.set(out, i + shift, w.value(i) * maximum);
        }
    }

    /// y = x · Wᵀ for one row, straight from the codes: each is read once and never stored.
    ///
    /// @param x [1, in]
    /// @param y [1, out], written
    static void product(FourBitMatrix w, Tensor x, Tensor y) {
        long in = w.in();
        var memory = new Memory(w);
        var xs = Lanes.floats("product", x, in);
        var ys = Lanes.floats("product", y, w.out());
        boolean direct = VECTORS && in % w.blockSize() == 0;
        Workers.rows(
                w.out(),
                in,
                (from, to) -> {
                    if (direct) {
                        for (long row = from; row < to; row++) {
                            Lanes.set(ys, row, (float) dot(memory, row * in, xs, in));
                        }
                    } else {
                        products(memory, xs, ys, in, from, to);
                    }
                });
    }

    private static double dot(Memory w, long at, MemorySegment x, long in) {
        FloatVector sum = all(0);
        for (long i = 0; i < in; i += w.blockSize) {
            float maximum = w.maximum((at + i) / w.blockSize);
            sum = blockDot(w, at + i, x, i).fma(all(maximum), sum);
        }
        return Lanes.sum(sum);
    }

    /// The lanes' shares of Σ table(code) · x over a block.
    private static FloatVector blockDot(Memory w, long at, MemorySegment x, long from) {
        FloatVector even = all(0);
        FloatVector odd = even;
        for (int k = 0; k < w.blockSize; k += 2 * LENGTH) {
            even = values(w.codes, w.low, w.high, at + k).fma(load(x, from + k), even);
            odd =
                    values(w.codes, w.low, w.high, at + k + LENGTH)
                            .fma(load(x, from + k + LENGTH), odd);
        }
        return even.add(odd);
    }

    /// Where blocks cross rows: row by row through a row of floats.
    private static void products(
            Memory w, MemorySegment x, MemorySegment y, long in, long from, long to) {
        try (var arena = Arena.ofConfined()) {
            var values = arena.allocate(in * Float.BYTES, 64);
            for (long row = from; row < to; row++) {
                expand(w, row * in, (row + 1) * in, values, 0);
                Lanes.set(y, row, (float) Lanes.dot(values, 0, x, 0, (int) in));
            }
        }
    }
}
