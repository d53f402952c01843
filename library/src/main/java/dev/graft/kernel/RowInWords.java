package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// A row x in the order of a matrix whose vectors are of 32-bit words, several numbers in each: of
/// a chunk first what the first numbers of its words are multiplied by, then what the second are.
/// So a shift gives a vector of numbers, and none is ever moved between lanes.
///
/// The buffers are kept: as many as there have been products at once.
final class RowInWords implements AutoCloseable {
    private static final Queue<RowInWords> FREE = new ConcurrentLinkedQueue<>();
    private static final long LINE = 64; // bytes: no vector of x lies in two lines of the cache

    private final Arena arena;
    private final MemorySegment floats;
    private final float[] plain; // of arrays the compiler takes the checks out of the loop
    private final float[] ordered;

    @SuppressWarnings("MustBeClosedChecker") // closed when a wider one takes its place
    private RowInWords(int in) {
        this.arena = Arena.ofShared();
        this.floats = arena.allocate((long) in * Float.BYTES, LINE);
        this.plain = new float[in];
        this.ordered = new float[in];
    }

    /// @param x `in` floats, whole chunks
    /// @param perWord numbers in a word
    /// @param flip number s of word i is element `perWord · i + (s ^ flip)` of its chunk
    @SuppressWarnings("MustBeClosedChecker")
    static RowInWords of(MemorySegment x, int in, int perWord, int flip) {
        RowInWords row = take(in);
        MemorySegment.copy(x, JAVA_FLOAT_UNALIGNED, 0, row.plain, 0, in);
        for (int chunk = 0; chunk < in; chunk += perWord * LENGTH) {
            for (int s = 0; s < perWord; s++) {
                order(row, chunk + (s ^ flip), perWord, chunk + s * LENGTH);
            }
        }
        MemorySegment.copy(row.ordered, 0, row.floats, JAVA_FLOAT, 0, in);
        return row;
    }

    private static void order(RowInWords row, int from, int step, int to) {
        for (int i = 0; i < LENGTH; i++) {
            row.ordered[to + i] = row.plain[from + step * i];
        }
    }

    /// A free buffer that is wide enough, else a new one in the place of a narrower one.
    private static RowInWords take(int in) {
        RowInWords free = FREE.poll();
        if (free != null && free.plain.length >= in) {
            return free;
        }
        if (free != null) {
            free.arena.close();
        }
        return new RowInWords(in);
    }

    MemorySegment floats() {
        return floats;
    }

    /// Gives the buffer back.
    @Override
    public void close() {
        FREE.add(this);
    }
}
