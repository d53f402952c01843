package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.LongPair;
import org.bytedeco.pytorch.cuda.CUDAStream;
import org.bytedeco.pytorch.cuda.MemPool;
import org.bytedeco.pytorch.cuda.StreamFilter;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch_cuda;

/// Work of a card as a CUDA graph, launched by one call (CUDA Driver API: `cuStreamBeginCapture`,
/// `cuGraphLaunch`). What the work takes of libtorch's allocator comes from a pool of its own,
/// which stays as long as the graph does.
final class CudaGraph implements Recording {
    /// `CU_STREAM_CAPTURE_MODE_THREAD_LOCAL`
    private static final int THREAD_LOCAL = 1;

    private final CudaContext context;
    private final byte index;
    private final MemorySegment stream;
    private final LongPair pool;
    private final MemorySegment executable;
    private final NativeLibrary.Call launch;

    private CudaGraph(
            CudaContext context,
            byte index,
            MemorySegment stream,
            LongPair pool,
            MemorySegment executable) {
        this.context = context;
        this.index = index;
        this.stream = stream;
        this.pool = pool;
        this.executable = executable;
        this.launch = context.driver().call("cuGraphLaunch", ADDRESS, ADDRESS);
    }

    /// All that is asked for on this thread while a graph is captured.
    private static final class All extends StreamFilter {
        @Override
        public boolean call(Pointer stream) {
            return true;
        }
    }

    /// Does the work once, for what is made when it is first needed, and records it.
    static CudaGraph of(Device card, Runnable work) {
        Torch.load();
        CudaContext context = CudaContext.of(card);
        byte index = (byte) card.index();
        MemorySegment stream = context.made("cuStreamCreate", CudaContext.NON_BLOCKING);
        context.synchronize();
        // libtorch knows a stream that is not its own by the address
        try (var around = torch_cuda.getCurrentCUDAStream(index);
                var own = CUDAStream.unpack3(stream.address(), index, torch.DeviceType.CUDA)) {
            torch_cuda.setCurrentCUDAStream(own);
            context.launchOn(stream);
            try {
                work.run();
                context.synchronize();
                LongPair pool = MemPool.graph_pool_handle(false);
                MemorySegment graph = captured(context, stream, index, pool, work);
                return new CudaGraph(context, index, stream, pool, executable(context, graph));
            } finally {
                torch_cuda.setCurrentCUDAStream(around);
                context.launchOn(CudaContext.DEFAULT_STREAM);
            }
        }
    }

    private static MemorySegment captured(
            CudaContext context, MemorySegment stream, byte index, LongPair pool, Runnable work) {
        CudaDriver driver = context.driver();
        try (var arena = Arena.ofConfined();
                var all = new All()) {
            MemorySegment graph = arena.allocate(ADDRESS);
            torch_cuda.beginAllocateToPool(index, pool, all);
            int ended;
            try {
                driver.check(
                        "cuStreamBeginCapture",
                        driver.call("cuStreamBeginCapture_v2", ADDRESS, JAVA_INT)
                                .with(stream, THREAD_LOCAL));
                try {
                    work.run();
                } finally {
                    ended = driver.call("cuStreamEndCapture", ADDRESS, ADDRESS).with(stream, graph);
                }
            } finally {
                torch_cuda.endAllocateToPool(index, pool);
            }
            driver.check("cuStreamEndCapture", ended);
            return graph.get(ADDRESS, 0);
        }
    }

    private static MemorySegment executable(CudaContext context, MemorySegment graph) {
        CudaDriver driver = context.driver();
        try (var arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(ADDRESS);
            driver.check(
                    "cuGraphInstantiate",
                    driver.call("cuGraphInstantiateWithFlags", ADDRESS, ADDRESS, JAVA_LONG)
                            .with(to, graph, 0L));
            driver.check("cuGraphDestroy", driver.call("cuGraphDestroy", ADDRESS).with(graph));
            return to.get(ADDRESS, 0);
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
        torch_cuda.getAllocator().releasePool(index, pool);
        pool.close();
        driver.check("cuStreamDestroy", driver.call("cuStreamDestroy_v2", ADDRESS).with(stream));
    }
}
