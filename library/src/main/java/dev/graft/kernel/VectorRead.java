package dev.graft.kernel;

import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Numbers of bfloat16 that are read from a file and widened a piece at a time, while the piece is
/// in a processor's own cache. What a mapping costs instead is a page fault for every 64 KB, and
/// once more to let the page go.
final class VectorRead {
    private static final int PIECE = 64 << 10; // numbers
    private static final Queue<MemorySegment> FREE = new ConcurrentLinkedQueue<>();

    private VectorRead() {}

    /// out = the numbers of the file.
    static void widen(FileBytes file, Tensor out) {
        long count = out.numel();
        var floats = Lanes.floats("read", out, count);
        Workers.rows(
                (count + PIECE - 1) / PIECE,
                PIECE,
                (from, to) -> {
                    MemorySegment buffer = take();
                    for (long first = from * PIECE; first < to * PIECE; first += PIECE) {
                        widen(file, first, Math.min(PIECE, count - first), buffer, floats);
                    }
                    FREE.add(buffer);
                });
    }

    private static void widen(
            FileBytes file, long first, long count, MemorySegment buffer, MemorySegment floats) {
        MemorySegment halves = buffer.asSlice(0, count * Short.BYTES);
        file.read(first * Short.BYTES, halves);
        MemorySegment target = floats.asSlice(first * Float.BYTES, count * Float.BYTES);
        VectorHalf.widen(halves, target, 0, count);
    }

    /// As many buffers as threads have read at once.
    private static MemorySegment take() {
        MemorySegment free = FREE.poll();
        return free != null ? free : Arena.global().allocate((long) PIECE * Short.BYTES, 64);
    }
}
