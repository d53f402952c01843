package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/// A stream of a card for copies from and to page-locked memory, beside the default stream, on
/// which libtorch and our kernels compute (CUDA Driver API: `cuStream…`, `cuEvent…`,
/// `cuMemcpy…Async`).
final class CardCopies implements CopyQueue {
    /// `CU_EVENT_DISABLE_TIMING`
    private static final int NO_TIMING = 2;

    private static final MemorySegment COMPUTATION = CudaContext.DEFAULT_STREAM;

    private final CudaContext context;
    private final NativeLibrary.Call bring;
    private final NativeLibrary.Call fetch;
    private final NativeLibrary.Call record;
    private final NativeLibrary.Call waitFor;
    private final MemorySegment stream;
    private final MemorySegment computed;
    private final Map<Integer, MemorySegment> marks = new HashMap<>();

    CardCopies(Device card) {
        context = CudaContext.of(card);
        CudaDriver driver = context.driver();
        bring = driver.call("cuMemcpyHtoDAsync_v2", JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS);
        fetch = driver.call("cuMemcpyDtoHAsync_v2", ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
        record = driver.call("cuEventRecord", ADDRESS, ADDRESS);
        waitFor = driver.call("cuStreamWaitEvent", ADDRESS, ADDRESS, JAVA_INT);
        stream = context.made("cuStreamCreate", CudaContext.NON_BLOCKING);
        computed = context.made("cuEventCreate", NO_TIMING);
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
        boolean there = to.device().isCard();
        Tensor host = there ? from : to;
        boolean fits = bytes == to.numel() * to.dtype().bytes();
        if (!fits || !host.isPinned() || !from.isContiguous() || !to.isContiguous()) {
            throw new IllegalArgumentException(
                    "send: found %s for %s, expected page-locked memory and as many bytes"
                            .formatted(from.describe(), to.describe()));
        }
        CudaDriver driver = context.driver();
        MemorySegment memory = MemorySegment.ofAddress(host.address());
        int code =
                there
                        ? bring.with(to.address(), memory, bytes, stream)
                        : fetch.with(memory, from.address(), bytes, stream);
        driver.check("a copy", code);
    }

    @Override
    public void mark(int number) {
        MemorySegment event =
                marks.computeIfAbsent(number, _ -> context.made("cuEventCreate", NO_TIMING));
        context.driver().check("cuEventRecord", record.with(event, stream));
    }

    @Override
    public void await(int number) {
        MemorySegment event = marks.get(number);
        context.driver().check("cuStreamWaitEvent", waitFor.with(COMPUTATION, event, 0));
    }

    @Override
    public void finish() {
        CudaDriver driver = context.driver();
        driver.check(
                "cuStreamSynchronize", driver.call("cuStreamSynchronize", ADDRESS).with(stream));
    }

    @Override
    public void close() {
        finish();
        CudaDriver driver = context.driver();
        marks.put(-1, computed);
        for (MemorySegment event : marks.values()) {
            driver.check("cuEventDestroy", driver.call("cuEventDestroy_v2", ADDRESS).with(event));
        }
        driver.check("cuStreamDestroy", driver.call("cuStreamDestroy_v2", ADDRESS).with(stream));
    }
}
