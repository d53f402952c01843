package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.VectorFourBit.INTS;
import static dev.graft.kernel.VectorFourBit.VECTORS;

import dev.graft.kernel.VectorFourBit.Memory;
import dev.graft.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// The product of one row with a matrix of four-bit codes, straight from the codes.
///
/// A chunk is a vector of 32-bit words of eight codes. One shift gives the values of every eighth
/// element, so x is laid out in that order first, and no code is ever moved between lanes.
final class VectorFourBitRow {
    private static final int CODES = 8; // in a word
    private static final int CHUNK = CODES * LENGTH;
    private static final long VECTOR_BYTES = (long) LENGTH * Float.BYTES; // of x
    private static final long CHUNK_BYTES = CODES * VECTOR_BYTES;

    private static final VectorMask<Float> UPPER =
            VectorMask.fromLong(Lanes.SPECIES, LENGTH == 16 ? 0xff00 : 0);

    private static final long LINE = 64; // bytes: no vector of x lies in two lines of the cache

    /// Buffers for x in the order of words: as many as there have been products at once.
    private static final Queue<Ordered> FREE = new ConcurrentLinkedQueue<>();

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
        Ordered ordered = Ordered.take((int) in);
        try {
            inWords(memory, ordered.put(xs, (int) in), (int) in, ys, w.out());
        } finally {
            FREE.add(ordered);
        }
    }

    private static void inWords(Memory w, MemorySegment x, int in, MemorySegment y, long out) {
        Workers.Rows body =
                w.blockSize < CHUNK && w.nested
                        ? (from, to) -> nestedHalves(w, x, in, y, from, to)
                        : (from, to) -> products(w, x, in, y, from, to);
        Workers.rows(out, in, body);
    }

    private static boolean chunksMatchBlocks(FourBitMatrix w) {
        return w.blockSize() % CHUNK == 0 || (LENGTH == 16 && 2 * w.blockSize() == CHUNK);
    }

    /// A row of floats, code `s` of word `i` being its element `s ^ 1`: the high half of a byte
    /// comes first.
    private record Ordered(Arena arena, MemorySegment words) {
        /// A free buffer that is wide enough, else a new one in the place of a narrower one.
        @SuppressWarnings("MustBeClosedChecker")
        static Ordered take(int in) {
            Ordered free = FREE.poll();
            if (free != null && free.words.byteSize() >= (long) in * Float.BYTES) {
                return free;
            }
            if (free != null) {
                free.arena.close();
            }
            Arena arena = Arena.ofShared();
            return new Ordered(arena, arena.allocate((long) in * Float.BYTES, LINE));
        }

        MemorySegment put(MemorySegment x, int in) {
            for (int chunk = 0; chunk < in; chunk += CHUNK) {
                for (int s = 0; s < CODES; s++) {
                    for (int i = 0; i < LENGTH; i++) {
                        float value = Lanes.get(x, chunk + CODES * i + (s ^ 1));
                        Lanes.set(words, chunk + s * LENGTH + i, value);
                    }
                }
            }
            return words;
        }
    }

    private static void products(
            Memory w, MemorySegment x, int in, MemorySegment y, long from, long to) {
        int blocks = in / w.blockSize;
        float[] maxima = new float[blocks];
        for (long row = from; row < to; row++) {
            w.maxima(row * blocks, maxima);
            float sum =
                    w.blockSize < CHUNK
                            ? dotOfHalves(w, row * in, maxima, x, in)
                            : dot(w, row * in, maxima, x, in);
            Lanes.set(y, row, sum);
        }
    }

    /// The usual case, a loop of its own: together they exceed the compiler's budget.
    private static void nestedHalves(
            Memory w, MemorySegment x, int in, MemorySegment y, long from, long to) {
        int blocks = in / w.blockSize;
        for (long row = from; row < to; row++) {
            Lanes.set(y, row, dotOfNestedHalves(w, row * in, row * blocks, x, in));
        }
    }

    // The loop over a chunk's codes stands in each of the three: as a method that returns a vector
    // it was compiled by itself and no longer inlined, and each chunk's sum became an object.

    /// Chunks that lie within a block.
    private static float dot(Memory w, long at, float[] maxima, MemorySegment x, int in) {
        FloatVector sum = all(0);
        int chunks = in / CHUNK;
        int perBlock = Integer.numberOfTrailingZeros(w.blockSize / CHUNK); // a power of two
        for (int c = 0; c < chunks; c++) {
            IntVector words = words(w, at, c);
            FloatVector even = all(0);
            FloatVector odd = even;
            for (int s = 0; s < CODES; s += 2) {
                even = code(w, words, s).fma(factors(x, c, s), even);
                odd = code(w, words, s + 1).fma(factors(x, c, s + 1), odd);
            }
            sum = even.add(odd).fma(all(maxima[c >> perBlock]), sum);
        }
        return Lanes.total(sum);
    }

    /// Chunks of two blocks.
    private static float dotOfHalves(Memory w, long at, float[] maxima, MemorySegment x, int in) {
        FloatVector sum = all(0);
        int chunks = in / CHUNK;
        for (int c = 0; c < chunks; c++) {
            FloatVector pair = all(maxima[2 * c]).blend(maxima[2 * c + 1], UPPER);
            IntVector words = words(w, at, c);
            FloatVector even = all(0);
            FloatVector odd = even;
            for (int s = 0; s < CODES; s += 2) {
                even = code(w, words, s).fma(factors(x, c, s), even);
                odd = code(w, words, s + 1).fma(factors(x, c, s + 1), odd);
            }
            sum = even.add(odd).fma(pair, sum);
        }
        return Lanes.total(sum);
    }

    /// The same with maxima in codes, which are looked up while the vectors wait for each other.
    /// The first block of a chunk has an even number, so both share an outer maximum.
    private static float dotOfNestedHalves(Memory w, long at, long first, MemorySegment x, int in) {
        FloatVector sum = all(0);
        int chunks = in / CHUNK;
        for (int c = 0; c < chunks; c++) {
            long block = first + 2L * c;
            float outer = Lanes.get(w.maxima, block / BlockMaxima.Nested.SIZE);
            FloatVector inner = all(w.inner(block)).blend(w.inner(block + 1), UPPER);
            IntVector words = words(w, at, c);
            FloatVector even = all(0);
            FloatVector odd = even;
            for (int s = 0; s < CODES; s += 2) {
                even = code(w, words, s).fma(factors(x, c, s), even);
                odd = code(w, words, s + 1).fma(factors(x, c, s + 1), odd);
            }
            sum = even.add(odd).fma(inner.mul(outer).add(w.offset), sum);
        }
        return Lanes.total(sum);
    }

    private static IntVector words(Memory w, long at, int chunk) {
        long offset = (at >> 1) + (long) chunk * (CHUNK / 2);
        return IntVector.fromMemorySegment(INTS, w.codes, offset, ByteOrder.LITTLE_ENDIAN);
    }

    /// What the codes `s` of a chunk's words are multiplied by. Offsets are long from the start, so
    /// that the compiler can take their bounds out of the loop.
    private static FloatVector factors(MemorySegment x, int chunk, int s) {
        long offset = chunk * CHUNK_BYTES + s * VECTOR_BYTES;
        return FloatVector.fromMemorySegment(Lanes.SPECIES, x, offset, ByteOrder.nativeOrder());
    }

    private static FloatVector code(Memory w, IntVector words, int s) {
        return VectorFourBit.values(words.lanewise(VectorOperators.LSHR, 4L * s), w.low, w.high);
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
