package dev.graft.tensor;

import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch_cuda;

/// The memory of a card as libtorch's caching allocator sees it: it takes segments from the driver,
/// and tensors take their memory from those.
public final class CardMemory {
    private CardMemory() {}

    /// The most bytes that the allocator has had of the driver at a time.
    public static long peakBytes(Device card) {
        Torch.load();
        var allocator = torch_cuda.getDeviceAllocator(torch.DeviceType.CUDA);
        try (var stats = allocator.getDeviceStats((byte) card.index());
                var segments = stats.reserved_bytes()) {
            return segments.peak();
        }
    }
}
