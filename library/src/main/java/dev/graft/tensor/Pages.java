package dev.graft.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Advice to the system about pages of memory, `madvise` of Linux; without effect elsewhere.
public final class Pages {
    private static final long SIZE = 4096;
    private static final int WILL_NEED = 3;
    private static final int DONT_NEED = 4;
    private static final int HUGE = 14;

    private static final Optional<MethodHandle> MADVISE =
            System.getProperty("os.name").equals("Linux")
                    ? Libc.find(
                            "madvise",
                            ValueLayout.ADDRESS,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_INT)
                    : Optional.empty();

    private Pages() {}

    /// Begins to read a part of a mapped file, and returns at once.
    public static void willNeed(MemorySegment mapped) {
        advise(mapped, WILL_NEED, false);
    }

    /// Takes a part of a mapped file out of this process. Its contents stay in the file (and in the
    /// system's cache while there is room); the next access maps it again. Never for memory that is
    /// not mapped from a file: that would be cleared.
    public static void release(MemorySegment mapped) {
        advise(mapped, DONT_NEED, true);
    }

    /// Asks for large pages, which cost fewer faults and fewer entries of the translation buffer.
    public static void huge(MemorySegment memory) {
        advise(memory, HUGE, true);
    }

    /// Advice is given for whole pages: those inside of the segment, or those that it touches.
    private static void advise(MemorySegment memory, int advice, boolean inside) {
        if (MADVISE.isEmpty()) {
            return;
        }
        long end = memory.address() + memory.byteSize();
        long from =
                inside
                        ? (memory.address() + SIZE - 1) / SIZE * SIZE
                        : memory.address() / SIZE * SIZE;
        long to = inside ? end / SIZE * SIZE : (end + SIZE - 1) / SIZE * SIZE;
        if (from >= to) {
            return;
        }
        try {
            // the result is not looked at: advice that the system declines changes nothing
            int _ =
                    (int)
                            MADVISE.get()
                                    .invokeExact(MemorySegment.ofAddress(from), to - from, advice);
        } catch (Throwable e) {
            throw new IllegalStateException("madvise could not be called", e);
        }
    }
}
