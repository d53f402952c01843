package dev.graft.tensor;

import dev.graft.error.OutOfMemory;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.PointerConsumer;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/// Memory of large tensors, taken from the system as whole pages and kept for those that come next.
/// glibc's heap cannot do this for libtorch: an aligned block asks for more than it keeps, so a
/// freed one does not fit the next request of its own size, and the heap grows.
///
/// What is kept besides what is in use never lifts the whole above the most that was in use at one
/// time: pages that nobody uses go back to the system before that. Linux; elsewhere libtorch's own
/// allocation serves.
final class Blocks {
    /// Smaller tensors are left to the C library.
    static final long SMALLEST = 64 << 10;

    private static final long PAGE = 4096;
    private static final long HUGE_PAGE = 2 << 20;
    private static final int READ_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS = 0x22;

    private static final boolean LINUX = System.getProperty("os.name").equals("Linux");
    private static final Optional<MethodHandle> MMAP =
            LINUX
                    ? Libc.find(
                            "mmap",
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_LONG))
                    : Optional.empty();
    private static final Optional<MethodHandle> MUNMAP =
            LINUX
                    ? Libc.find("munmap", ValueLayout.ADDRESS, ValueLayout.JAVA_LONG)
                    : Optional.empty();

    private final FreeRanges kept = new FreeRanges();
    private final Map<Long, Long> used = new HashMap<>();
    private long usedBytes;
    private long mostUsed;

    private static final Blocks SHARED = new Blocks();
    private static final PointerConsumer GIVE_BACK =
            new PointerConsumer() {
                @Override
                public void call(Pointer block) {
                    SHARED.give(block.address());
                }
            };

    /// A libtorch tensor with arbitrary contents, in a block if it is large; the block comes back
    /// with the last view of it.
    static org.bytedeco.pytorch.Tensor tensor(DType dtype, long... shape) {
        long bytes = dtype.bytes();
        for (long d : shape) {
            bytes = Math.multiplyExact(bytes, d);
        }
        try (var options = new TensorOptions(dtype.scalarType)) {
            if (!serves(bytes)) {
                return torch.torch_empty(shape, options, null);
            }
            try (var address = new Address(SHARED.take(bytes))) {
                return torch.from_blob(address, shape, GIVE_BACK, options, null);
            }
        }
    }

    static Blocks shared() {
        return SHARED;
    }

    /// Whether tensors of this many bytes live in blocks.
    static boolean serves(long bytes) {
        return MMAP.isPresent() && bytes >= SMALLEST;
    }

    /// The address of a block of at least `bytes` bytes with arbitrary contents, aligned to pages.
    ///
    /// @throws OutOfMemory if the system has none
    synchronized long take(long bytes) {
        long size = (bytes + PAGE - 1) / PAGE * PAGE;
        long address = kept.take(size);
        if (address == 0) {
            makeRoom(size);
            address = map(size);
        }
        used.put(address, size);
        usedBytes += size;
        mostUsed = Math.max(mostUsed, usedBytes);
        return address;
    }

    /// Takes a block back.
    synchronized void give(long address) {
        Long size = used.remove(address);
        if (size == null) {
            throw new IllegalStateException(
                    "block " + Long.toHexString(address) + " is not in use");
        }
        usedBytes -= size;
        kept.add(address, size);
    }

    /// Bytes of blocks that nobody uses.
    synchronized long keptBytes() {
        return kept.bytes();
    }

    /// Gives every kept block back to the system, and forgets how much was once in use.
    synchronized void trim() {
        kept.drop(kept.bytes(), Blocks::unmap);
        mostUsed = usedBytes;
    }

    private void makeRoom(long size) {
        kept.drop(usedBytes + kept.bytes() + size - mostUsed, Blocks::unmap);
    }

    private long map(long size) {
        try {
            long address =
                    (long)
                            MMAP.orElseThrow()
                                    .invokeExact(
                                            MemorySegment.NULL,
                                            size,
                                            READ_WRITE,
                                            PRIVATE_ANONYMOUS,
                                            -1,
                                            0L);
            if (address == -1) {
                throw new OutOfMemory(
                        ("the system has no block of %,d bytes, with %,d in use; expected enough"
                                        + " memory: lower per_device_train_batch_size or max_length")
                                .formatted(size, usedBytes));
            }
            if (size >= 2 * HUGE_PAGE) {
                Pages.huge(memory(address, size));
            }
            return address;
        } catch (OutOfMemory e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("mmap could not be called", e);
        }
    }

    @SuppressWarnings("restricted")
    private static MemorySegment memory(long address, long size) {
        return MemorySegment.ofAddress(address).reinterpret(size);
    }

    private static void unmap(long address, long size) {
        int result;
        try {
            result = (int) MUNMAP.orElseThrow().invokeExact(MemorySegment.ofAddress(address), size);
        } catch (Throwable e) {
            throw new IllegalStateException("munmap could not be called", e);
        }
        if (result != 0) {
            throw new IllegalStateException("munmap refused a block of " + size + " bytes");
        }
    }
}
