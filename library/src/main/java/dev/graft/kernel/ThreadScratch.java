package dev.graft.kernel;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Buffers of float32 for tasks that run in parallel: one set for each thread, handed on from task
/// to task.
final class ThreadScratch {
    /// A task with its buffers, whose contents are arbitrary.
    interface Task {
        void run(long task, MemorySegment[] buffers);
    }

    private static final long WHOLE = 1L << 20; // so many elements that a thread takes one task

    private final ConcurrentLinkedQueue<MemorySegment[]> free = new ConcurrentLinkedQueue<>();
    private final int threads;

    /// @param memory [threads, buffers, numbers]
    ThreadScratch(Tensor memory) {
        threads = (int) memory.size(0);
        int buffers = (int) memory.size(1);
        long bytes = memory.size(2) * Float.BYTES;
        MemorySegment all = Lanes.floats("scratch", memory, memory.numel());
        for (int thread = 0; thread < threads; thread++) {
            var set = new MemorySegment[buffers];
            for (int i = 0; i < buffers; i++) {
                set[i] = all.asSlice((thread * buffers + i) * bytes, bytes);
            }
            free.add(set);
        }
    }

    /// Runs tasks 0 … count − 1, in this order on each thread.
    void each(long count, Task body) {
        Workers.rows(
                threads,
                count,
                WHOLE,
                (from, to) -> {
                    MemorySegment[] buffers = free.remove();
                    for (long task = from; task < to; task++) {
                        body.run(task, buffers);
                    }
                    free.add(buffers);
                });
    }
}
