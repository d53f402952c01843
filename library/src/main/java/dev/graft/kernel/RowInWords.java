package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// A row x in the order of a matrix whose vectors are of 32-bit words, several numbers in each: of
/// a chunk first what the first numbers of its words are multiplied by, then what the second are.
/// So a shift gives a vector of numbers, and none is ever moved between lanes.
///
/// The buffers are kept: as many as there have been products at once.
record RowInWords(Arena arena, MemorySegment floats) implements AutoCloseable {
    private static final Queue<RowInWords> FREE = new ConcurrentLinkedQueue<>();
    private static final long LINE = 64; // bytes: no vector of x lies in two lines of the cache

    /// @param x `in` floats, whole chunks
    /// @param perWord numbers in a word
    /// @param flip number s of word i is element `perWord · i + (s ^ flip)` of its chunk
    @SuppressWarnings("MustBeClosedChecker")
    static RowInWords of(MemorySegment x, int in, int perWord, int flip) {
        RowInWords row = take((long) in * Float.BYTES);
        for (int chunk = 0; chunk < in; chunk += perWord * LENGTH) {
            for (int s = 0; s < perWord; s++) {
                for (int i = 0; i < LENGTH; i++) {
                    float value = Lanes.get(x, chunk + perWord * i + (s ^ flip));
                    Lanes.set(row.floats, chunk + s * LENGTH + i, value);
                }
            }
        }
        return row;
    }

    /// A free buffer that is wide enough, else a new one in the place of a narrower one.
    @SuppressWarnings("MustBeClosedChecker")
    private static RowInWords take(long bytes) {
        RowInWords free = FREE.poll();
        if (free != null && free.floats.byteSize() >= bytes) {
            return free;
        }
        if (free != null) {
            free.arena.close();
        }
        Arena arena = Arena.ofShared();
        return new RowInWords(arena, arena.allocate(bytes, LINE));
    }

    /// Gives the buffer back.
    @Override
    public void close() {
        FREE.add(this);
    }
}
