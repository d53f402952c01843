package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Work of a card as a CUDA graph, launched by one call (CUDA Driver API: `cuGraphLaunch`).
final class CudaGraph implements Recording {
    private final CudaContext context;
    private final MemorySegment executable;
    private final NativeLibrary.Call launch;

    private CudaGraph(CudaContext context, MemorySegment executable) {
        this.context = context;
        this.executable = executable;
        this.launch = context.driver().call("cuGraphLaunch", ADDRESS, ADDRESS);
    }

    /// @param captured given up
    static CudaGraph of(CudaContext context, MemorySegment captured) {
        CudaDriver driver = context.driver();
        try (var arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(ADDRESS);
            driver.check(
                    "cuGraphInstantiate",
                    driver.call("cuGraphInstantiateWithFlags", ADDRESS, ADDRESS, JAVA_LONG)
                            .with(to, captured, 0L));
            driver.check("cuGraphDestroy", driver.call("cuGraphDestroy", ADDRESS).with(captured));
            return new CudaGraph(context, to.get(ADDRESS, 0));
        }
    }

    @Override
    public void run() {
        context.driver()
                .check("cuGraphLaunch", launch.with(executable, CudaContext.DEFAULT_STREAM));
    }

    @Override
    public void close() {
        context.synchronize();
        CudaDriver driver = context.driver();
        driver.check(
                "cuGraphExecDestroy", driver.call("cuGraphExecDestroy", ADDRESS).with(executable));
    }
}
