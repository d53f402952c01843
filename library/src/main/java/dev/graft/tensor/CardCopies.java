package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/// A stream of a card for copies from page-locked memory, beside the default stream, on which
/// libtorch and our kernels compute (CUDA Driver API: `cuStream…`, `cuEvent…`,
/// `cuMemcpyHtoDAsync`).
final class CardCopies implements CopyQueue {
    /// `CU_STREAM_NON_BLOCKING`: without it every copy would wait for the default stream.
    private static final int NON_BLOCKING = 1;

    /// `CU_EVENT_DISABLE_TIMING`
    private static final int NO_TIMING = 2;

    /// The default stream.
    private static final MemorySegment COMPUTATION = MemorySegment.NULL;

    private final CudaContext context;
    private final NativeLibrary.Call copy;
    private final NativeLibrary.Call record;
    private final NativeLibrary.Call waitFor;
    private final MemorySegment stream;
    private final MemorySegment computed;
    private final Map<Integer, MemorySegment> marks = new HashMap<>();

    CardCopies(Device card) {
        context = CudaContext.of(card);
        CudaDriver driver = context.driver();
        copy = driver.call("cuMemcpyHtoDAsync_v2", JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS);
        record = driver.call("cuEventRecord", ADDRESS, ADDRESS);
        waitFor = driver.call("cuStreamWaitEvent", ADDRESS, ADDRESS, JAVA_INT);
        stream = made("cuStreamCreate", NON_BLOCKING);
        computed = made("cuEventCreate", NO_TIMING);
    }

    private MemorySegment made(String function, int flags) {
        CudaDriver driver = context.driver();
        try (var arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(ADDRESS);
            driver.check(function, driver.call(function, ADDRESS, JAVA_INT).with(to, flags));
            return to.get(ADDRESS, 0);
        }
    }

    @Override
    public void follow() {
        CudaDriver driver = context.driver();
        driver.check("cuEventRecord", record.with(computed, COMPUTATION));
        driver.check("cuStreamWaitEvent", waitFor.with(stream, computed, 0));
    }

    @Override
    public void send(Tensor from, Tensor to) {
        long bytes = from.numel() * from.dtype().bytes();
        if (bytes != to.numel() * to.dtype().bytes() || !from.isPinned() || !to.isContiguous()) {
            throw new IllegalArgumentException(
                    "send: found %s for %s, expected page-locked memory and as many bytes"
                            .formatted(from.describe(), to.describe()));
        }
        MemorySegment source = MemorySegment.ofAddress(from.address());
        context.driver().check("cuMemcpyHtoDAsync", copy.with(to.address(), source, bytes, stream));
    }

    @Override
    public void mark(int number) {
        MemorySegment event = marks.computeIfAbsent(number, _ -> made("cuEventCreate", NO_TIMING));
        context.driver().check("cuEventRecord", record.with(event, stream));
    }

    @Override
    public void await(int number) {
        MemorySegment event = marks.get(number);
        context.driver().check("cuStreamWaitEvent", waitFor.with(COMPUTATION, event, 0));
    }

    @Override
    public void close() {
        CudaDriver driver = context.driver();
        driver.check(
                "cuStreamSynchronize", driver.call("cuStreamSynchronize", ADDRESS).with(stream));
        marks.put(-1, computed);
        for (MemorySegment event : marks.values()) {
            driver.check("cuEventDestroy", driver.call("cuEventDestroy_v2", ADDRESS).with(event));
        }
        driver.check("cuStreamDestroy", driver.call("cuStreamDestroy_v2", ADDRESS).with(stream));
    }
}
