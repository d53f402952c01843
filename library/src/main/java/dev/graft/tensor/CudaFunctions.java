package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Functions of a compiled module, loaded on the card that libtorch works on, and launched on its
/// stream, so that they run in order with its own operations (CUDA Driver API: `cuModule…`,
/// `cuLaunchKernel`).
public final class CudaFunctions {
    private final CudaContext context;
    private final MemorySegment module;
    private final MethodHandle launch;

    private CudaFunctions(CudaContext context, MemorySegment module) {
        this.context = context;
        this.module = module;
        this.launch =
                context.driver()
                        .handle(
                                "cuLaunchKernel",
                                ADDRESS,
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_INT,
                                ADDRESS,
                                ADDRESS,
                                ADDRESS);
    }

    /// Loads a module for as long as the process runs.
    ///
    /// @param card whose primary context it is loaded into, which is libtorch's
    /// @param binary a cubin of the card's architecture
    public static CudaFunctions of(Device card, byte[] binary) {
        CudaContext context = CudaContext.of(card);
        CudaDriver driver = context.driver();
        try (var arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(ADDRESS);
            MemorySegment image = arena.allocate(binary.length);
            image.asByteBuffer().put(binary);
            driver.check(
                    "loading the kernels",
                    driver.call("cuModuleLoadData", ADDRESS, ADDRESS).with(to, image));
            return new CudaFunctions(context, to.get(ADDRESS, 0));
        }
    }

    /// The function of this name.
    public MemorySegment function(String name) {
        CudaDriver driver = context.driver();
        try (var arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(ADDRESS);
            int code =
                    driver.call("cuModuleGetFunction", ADDRESS, ADDRESS, ADDRESS)
                            .with(to, module, arena.allocateFrom(name));
            driver.check("kernel " + name, code);
            return to.get(ADDRESS, 0);
        }
    }

    /// Asks for a run, and does not wait for it.
    ///
    /// @param arguments the addresses of the values of the parameters
    public void launch(
            String name, MemorySegment function, int blocks, int threads, MemorySegment arguments) {
        CudaDriver driver = context.driver();
        MemorySegment none = MemorySegment.NULL; // no other options
        int code;
        try {
            code =
                    (int)
                            launch.invokeExact(
                                    function,
                                    blocks,
                                    1,
                                    1,
                                    threads,
                                    1,
                                    1,
                                    0,
                                    context.stream(),
                                    arguments,
                                    none);
        } catch (Throwable e) {
            throw new IllegalStateException("cuLaunchKernel could not be called", e);
        }
        driver.check(name, code);
    }
}
