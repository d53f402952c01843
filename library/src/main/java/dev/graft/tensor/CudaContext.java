package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The primary context of a card, which is libtorch's too, so that memory and streams are shared
/// (CUDA Driver API: `cuDevicePrimaryCtxRetain`, `cuCtxSetCurrent`).
final class CudaContext {
    private final Device card;
    private final CudaDriver driver;
    private final MemorySegment context;
    private final ThreadLocal<Boolean> entered = ThreadLocal.withInitial(() -> false);

    private CudaContext(Device card, CudaDriver driver, MemorySegment context) {
        this.card = card;
        this.driver = driver;
        this.context = context;
    }

    /// Retained for as long as the process runs.
    static CudaContext of(Device card) {
        CudaDriver driver =
                CudaDriver.find()
                        .orElseThrow(() -> new IllegalStateException("there is no NVIDIA driver"));
        try (var arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(ADDRESS);
            driver.check(
                    "the context of " + card,
                    driver.call("cuDevicePrimaryCtxRetain", ADDRESS, JAVA_INT)
                            .with(to, card.index()));
            return new CudaContext(card, driver, to.get(ADDRESS, 0));
        }
    }

    /// Makes it the context of this thread, which everything that is asked of the driver needs.
    CudaDriver driver() {
        if (!entered.get()) {
            driver.check(
                    "the context of " + card,
                    driver.call("cuCtxSetCurrent", ADDRESS).with(context));
            entered.set(true);
        }
        return driver;
    }
}
