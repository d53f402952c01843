package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
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

    static final VectorSpecies<Integer> INTS = Lanes.SPECIES.withLanes(int.class);
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
    static final boolean VECTORS = LENGTH == 16 || LENGTH == 8;

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
    static final class Memory {
        final MemorySegment codes;
        private final MemorySegment table;
        final IntVector low;
        final IntVector high;
        final int blockSize;
        final boolean nested;
        final MemorySegment maxima;
        final MemorySegment maximaCodes;
        final float[] maximaValues;
        final float offset;

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
                    maximaValues = new float[0];
                    offset = 0;
                }
                case BlockMaxima.Nested n -> {
                    nested = true;
                    maxima = n.maxima().segment();
                    maximaCodes = n.codes().segment();
                    maximaValues = n.table().segment().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
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
            return nested
                    ? nested(block, Lanes.get(maxima, block / BlockMaxima.Nested.SIZE))
                    : Lanes.get(maxima, block);
        }

        /// The maxima of as many blocks as `out` has room for, in runs that share an outer maximum.
        void maxima(long block, float[] out) {
            if (!nested) {
                MemorySegment.copy(
                        maxima, ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * block, out, 0, out.length);
                return;
            }
            for (int i = 0; i < out.length; ) {
                long group = (block + i) / BlockMaxima.Nested.SIZE;
                float outer = Lanes.get(maxima, group);
                int end = (int) Math.min(out.length, (group + 1) * BlockMaxima.Nested.SIZE - block);
                for (; i < end; i++) {
                    out[i] = nested(block + i, outer);
                }
            }
        }

        private float nested(long block, float outer) {
            int code = maximaCodes.get(ValueLayout.JAVA_BYTE, block) & 0xff;
            return maximaValues[code] * outer + offset;
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
            return values(words.lanewise(VectorOperators.LSHR, SHIFTS), low, high);
        }
        int word = codes.get(INT, element >> 1);
        return values(
                IntVector.broadcast(INTS, word).lanewise(VectorOperators.LSHR, SHIFTS), low, high);
    }

    /// The table's values of the lowest four bits of each lane.
    private static FloatVector values(IntVector index, IntVector low, IntVector high) {
        if (LENGTH == 16) {
            return index.selectFrom(low).reinterpretAsFloats();
        }
        return index.selectFrom(low)
                .blend(
                        index.selectFrom(high),
                        index.lanewise(VectorOperators.LSHL, 28).compare(VectorOperators.LT, 0))
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
    static void expand(Memory w, long from, long to, MemorySegment out, long at) {
        long shift = at - from;
        long begin = VECTORS ? Math.min(to, Math.ceilDiv(from, w.blockSize) * w.blockSize) : to;
        long end = Math.max(begin, to / w.blockSize * w.blockSize);
        expandAny(w, from, begin, out, shift);
        expandBlocks(w, begin, end, out, shift);
        expandAny(w, end, to, out, shift);
    }

    /// Whole blocks. No method that returns a vector is called in the loop: whether the compiler
    /// inlines one depends on what it has compiled before.
    private static void expandBlocks(Memory w, long from, long to, MemorySegment out, long shift) {
        float[] maxima = new float[(int) ((to - from) / w.blockSize)];
        w.maxima(from / w.blockSize, maxima);
        MemorySegment codes = w.codes;
        IntVector low = w.low;
        IntVector high = w.high;
        int vectors = w.blockSize / LENGTH;
        for (int b = 0; b < maxima.length; b++) {
            long block = from + (long) b * w.blockSize;
            for (int i = 0; i < vectors; i++) {
                long at = block + (long) i * LENGTH;
                IntVector words;
                if (LENGTH == 16) {
                    long word = codes.get(LONG, at >> 1);
                    words = IntVector.broadcast(INTS, (int) word);
                    words = words.blend((int) (word >>> 32), UPPER);
                } else {
                    words = IntVector.broadcast(INTS, codes.get(INT, at >> 1));
                }
                var index = words.lanewise(VectorOperators.LSHR, SHIFTS);
                var value = index.selectFrom(low);
                if (LENGTH == 8) { // bit 3 as a sign
                    var signs = index.lanewise(VectorOperators.LSHL, 28);
                    var negative = signs.compare(VectorOperators.LT, 0);
                    value = value.blend(index.selectFrom(high), negative);
                }
                value.reinterpretAsFloats()
                        .mul(maxima[b])
                        .intoMemorySegment(out, (at + shift) * Float.BYTES, NATIVE);
            }
        }
    }

    /// Blocks of which only a part is wanted, and the whole where there are no vectors.
    private static void expandAny(Memory w, long from, long to, MemorySegment out, long shift) {
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
}
