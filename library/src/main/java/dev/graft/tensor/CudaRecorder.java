package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.LongPair;
import org.bytedeco.pytorch.cuda.CUDAStream;
import org.bytedeco.pytorch.cuda.MemPool;
import org.bytedeco.pytorch.cuda.StreamFilter;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch_cuda;

/// Captures CUDA graphs (CUDA Driver API: `cuStreamBeginCapture`). What their work takes of
/// libtorch's allocator comes from one pool, which stays until this is closed.
final class CudaRecorder implements Recorder {
    /// `CU_STREAM_CAPTURE_MODE_THREAD_LOCAL`
    private static final int THREAD_LOCAL = 1;

    private final CudaContext context;
    private final byte index;
    private final MemorySegment stream;
    private final LongPair pool;
    private int captures; // of each the pool knows

    CudaRecorder(Device card) {
        Torch.load();
        context = CudaContext.of(card);
        index = (byte) card.index();
        stream = context.captures();
        pool = MemPool.graph_pool_handle(false);
    }

    /// All that is asked for while a graph is captured: nothing else uses the card meanwhile.
    private static final class All extends StreamFilter {
        @Override
        public boolean call(Pointer stream) {
            return true;
        }
    }

    @Override
    public Recording record(Runnable work) {
        context.synchronize();
        // libtorch knows a stream that is not its own by the address
        try (var around = torch_cuda.getCurrentCUDAStream(index);
                var own = CUDAStream.unpack3(stream.address(), index, torch.DeviceType.CUDA)) {
            torch_cuda.setCurrentCUDAStream(own);
            context.launchOn(stream);
            try {
                // the allocator keeps what was given back apart for each stream and pool
                torch_cuda.getAllocator().emptyCache();
                work.run();
                context.synchronize();
                torch_cuda.getAllocator().emptyCache();
                return CudaGraph.of(context, captured(work));
            } finally {
                torch_cuda.setCurrentCUDAStream(around);
                context.launchOn(CudaContext.DEFAULT_STREAM);
            }
        }
    }

    private MemorySegment captured(Runnable work) {
        CudaDriver driver = context.driver();
        try (var arena = Arena.ofConfined();
                var all = new All()) {
            MemorySegment graph = arena.allocate(ADDRESS);
            torch_cuda.beginAllocateToPool(index, pool, all);
            captures++;
            try {
                driver.check(
                        "cuStreamBeginCapture",
                        driver.call("cuStreamBeginCapture_v2", ADDRESS, JAVA_INT)
                                .with(stream, THREAD_LOCAL));
                driver.check("cuStreamEndCapture", capture(work, driver, graph));
            } finally {
                torch_cuda.endAllocateToPool(index, pool);
            }
            return graph.get(ADDRESS, 0);
        }
    }

    /// While it lasts, the allocator asks the driver for nothing that would end the capture.
    private int capture(Runnable work, CudaDriver driver, MemorySegment graph) {
        int ended;
        torch_cuda.markCaptureBegin(index);
        try {
            work.run();
        } finally {
            ended = driver.call("cuStreamEndCapture", ADDRESS, ADDRESS).with(stream, graph);
            torch_cuda.markCaptureEnd(index);
        }
        return ended;
    }

    @Override
    public void close() {
        context.synchronize();
        for (; captures > 0; captures--) {
            torch_cuda.getAllocator().releasePool(index, pool);
        }
        pool.close();
    }
}
