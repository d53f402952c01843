package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// The primary context of a card, which is libtorch's too, so that memory and streams are shared
/// (CUDA Driver API: `cuDevicePrimaryCtxRetain`, `cuCtxSetCurrent`).
final class CudaContext {
    static final MemorySegment DEFAULT_STREAM = MemorySegment.NULL;

    /// `CU_STREAM_NON_BLOCKING`: without it a stream's work would wait for the default stream.
    static final int NON_BLOCKING = 1;

    private static final Map<Device, CudaContext> OF_CARDS = new ConcurrentHashMap<>();

    private final CudaDriver driver;
    private final MemorySegment context;
    private final NativeLibrary.Call enter;
    private volatile MemorySegment stream = DEFAULT_STREAM;
    private MemorySegment captures;

    private CudaContext(CudaDriver driver, MemorySegment context) {
        this.driver = driver;
        this.context = context;
        this.enter = driver.call("cuCtxSetCurrent", ADDRESS);
    }

    /// Retained for as long as the process runs.
    static CudaContext of(Device card) {
        return OF_CARDS.computeIfAbsent(card, CudaContext::retained);
    }

    private static CudaContext retained(Device card) {
        CudaDriver driver =
                CudaDriver.find()
                        .orElseThrow(() -> new IllegalStateException("there is no NVIDIA driver"));
        try (var arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(ADDRESS);
            driver.check(
                    "the context of " + card,
                    driver.call("cuDevicePrimaryCtxRetain", ADDRESS, JAVA_INT)
                            .with(to, card.index()));
            return new CudaContext(driver, to.get(ADDRESS, 0));
        }
    }

    /// Makes it the context of this thread, which everything that is asked of the driver needs;
    /// each time, since libtorch sets that of another card where it works on one.
    CudaDriver driver() {
        driver.check("the context of a card", enter.with(context));
        return driver;
    }

    /// A stream or an event.
    ///
    /// @param function `cuStreamCreate` or `cuEventCreate`
    MemorySegment made(String function, int flags) {
        CudaDriver current = driver();
        try (var arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(ADDRESS);
            current.check(function, current.call(function, ADDRESS, JAVA_INT).with(to, flags));
            return to.get(ADDRESS, 0);
        }
    }

    /// Where kernels are launched: on the stream that libtorch works on too.
    MemorySegment stream() {
        return stream;
    }

    /// The stream that graphs are captured on. One for good, since cuBLAS keeps memory for each.
    synchronized MemorySegment captures() {
        if (captures == null) {
            captures = made("cuStreamCreate", NON_BLOCKING);
        }
        return captures;
    }

    void launchOn(MemorySegment other) {
        stream = other;
    }

    /// Waits until the card has done all that it was asked for.
    void synchronize() {
        CudaDriver current = driver();
        current.check("the card's work", current.call("cuCtxSynchronize").with());
    }
}
