package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.VectorFourBit.INTS;
import static dev.graft.kernel.VectorFourBit.VECTORS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.graft.kernel.BlockMaxima.Nested;
import dev.graft.kernel.VectorFourBit.Memory;
import dev.graft.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/// The product of one row with a matrix of four-bit codes, straight from the codes.
///
/// A chunk is a vector of 32-bit words of eight codes. One shift gives the values of every eighth
/// element, so x is laid out in that order first, and no code is ever moved between lanes.
final class VectorFourBitRow {
    private static final int CODES = 8; // in a word
    private static final int CHUNK = CODES * LENGTH;
    private static final long VECTOR_BYTES = (long) LENGTH * Float.BYTES; // of x
    private static final long CODE_BYTES = CHUNK / 2; // of a chunk
    private static final long CHUNK_BYTES = CODES * VECTOR_BYTES;

    /// Of the loop over chunks at a time: where codes come from memory, each end of a longer one
    /// costs as long as a look at memory takes (from 29 turns on; a third of the speed).
    private static final int TURNS = 16;

    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
    private static final VectorSpecies<Float> FLOATS = Lanes.SPECIES;
    private static final VectorMask<Float> UPPER =
            VectorMask.fromLong(FLOATS, LENGTH == 16 ? 0xff00 : 0);

    private VectorFourBitRow() {}

    /// y = x · Wᵀ for one row: each code is read once and never stored.
    ///
    /// @param x [1, in]
    /// @param y [1, out], written
    static void product(FourBitMatrix w, Tensor x, Tensor y) {
        long in = w.in();
        var memory = new Memory(w);
        var xs = Lanes.floats("product", x, in);
        var ys = Lanes.floats("product", y, w.out());
        if (!VECTORS || in % CHUNK != 0 || in % w.blockSize() != 0 || !chunksMatchBlocks(w)) {
            Workers.rows(w.out(), in, (from, to) -> expanded(memory, xs, ys, in, from, to));
            return;
        }
        // The high half of a byte comes first.
        try (var row = RowInWords.of(xs, (int) in, CODES, 1)) {
            Workers.rows(
                    w.out(), in, (from, to) -> products(memory, row.floats(), in, ys, from, to));
        }
    }

    private static boolean chunksMatchBlocks(FourBitMatrix w) {
        boolean shifts = Integer.bitCount(w.blockSize()) == 1;
        return shifts && (w.blockSize() >= CHUNK || (LENGTH == 16 && 2 * w.blockSize() == CHUNK));
    }

    /// Rows of y. The compiler has to compile this by itself, so it is longer than what it inlines
    /// (FreqInlineSize, 325 bytes of code), for both widths of vectors: inlined into its callers it
    /// went over the bounds beyond which nothing more is inlined, and each vector became an object
    /// (3 billion codes a second instead of 40). That is also why no method here returns a vector.
    ///
    /// @param vector [RowInWords]
    private static void products(
            Memory w, MemorySegment vector, long in, MemorySegment y, long from, long to) {
        int shift = Integer.numberOfTrailingZeros(2 * w.blockSize / CHUNK); // half chunks a block
        int chunks = (int) (in / CHUNK);
        MemorySegment x = Lanes.exact(vector);
        MemorySegment codes = Lanes.exact(w.codes);
        MemorySegment maxima = Lanes.exact(w.maxima);
        MemorySegment codesOfMaxima = Lanes.exact(w.maximaCodes);
        float[] table = w.maximaValues;
        IntVector low = w.low;
        IntVector high = w.high;
        for (long row = from; row < to; row++) {
            FloatVector sum = FloatVector.zero(FLOATS);
            long first = row * chunks;
            for (int part = 0; part < chunks; part += TURNS) {
                int end = Math.min(chunks, part + TURNS);
                for (int c = part; c < end; c++) {
                    long chunk = first + c;
                    var words =
                            IntVector.fromMemorySegment(INTS, codes, chunk * CODE_BYTES, LITTLE);
                    var even = FloatVector.zero(FLOATS);
                    var odd = even;
                    for (int s = 0; s < CODES; s += 2) {
                        long x0 = c * CHUNK_BYTES + s * VECTOR_BYTES;
                        var factor = FloatVector.fromMemorySegment(FLOATS, x, x0, NATIVE);
                        var nextFactor =
                                FloatVector.fromMemorySegment(FLOATS, x, x0 + VECTOR_BYTES, NATIVE);
                        var next = words.lanewise(LSHR, 4);
                        var value = words.selectFrom(low);
                        var nextValue = next.selectFrom(low);
                        if (LENGTH == 8) { // bit 3 as a sign
                            var negative = words.lanewise(LSHL, 28).compare(LT, 0);
                            var nextNegative = next.lanewise(LSHL, 28).compare(LT, 0);
                            value = value.blend(words.selectFrom(high), negative);
                            nextValue = nextValue.blend(next.selectFrom(high), nextNegative);
                        }
                        even = value.reinterpretAsFloats().fma(factor, even);
                        odd = nextValue.reinterpretAsFloats().fma(nextFactor, odd);
                        words = words.lanewise(LSHR, 8);
                    }
                    long block = (2 * chunk) >> shift;
                    long other = (2 * chunk + 1) >> shift; // of the second half of the chunk
                    float inner;
                    float otherInner;
                    float outer = 1;
                    if (w.nested) { // both blocks of a chunk share their outer maximum
                        inner = table[codesOfMaxima.get(JAVA_BYTE, block) & 0xff];
                        otherInner = table[codesOfMaxima.get(JAVA_BYTE, other) & 0xff];
                        outer = maxima.get(JAVA_FLOAT_UNALIGNED, block / Nested.SIZE * Float.BYTES);
                    } else {
                        inner = maxima.get(JAVA_FLOAT_UNALIGNED, block * Float.BYTES);
                        otherInner = maxima.get(JAVA_FLOAT_UNALIGNED, other * Float.BYTES);
                    }
                    var maximum = FloatVector.broadcast(FLOATS, inner);
                    if (LENGTH == 16) {
                        maximum = maximum.blend(otherInner, UPPER);
                    }
                    sum = even.add(odd).fma(maximum.mul(outer).add(w.offset), sum);
                }
            }
            Lanes.set(y, row, Lanes.total(sum));
        }
    }

    /// Where blocks cross rows or chunks: row by row through a row of floats.
    private static void expanded(
            Memory w, MemorySegment x, MemorySegment y, long in, long from, long to) {
        try (var arena = Arena.ofConfined()) {
            var values = arena.allocate(in * Float.BYTES, 64);
            for (long row = from; row < to; row++) {
                VectorFourBit.expand(w, row * in, (row + 1) * in, values, 0);
                Lanes.set(y, row, (float) Lanes.dot(values, 0, x, 0, (int) in));
            }
        }
    }
}
