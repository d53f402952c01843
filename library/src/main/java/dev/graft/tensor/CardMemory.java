package dev.graft.tensor;

import org.bytedeco.pytorch.cuda.DeviceAllocator;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch_cuda;

/// The memory of a card as libtorch's caching allocator sees it: it takes segments from the driver,
/// and tensors take their memory from those.
public final class CardMemory {
    private CardMemory() {}

    /// The most bytes of tensors at a time since the process or `resetPeak` began.
    public static long peakBytes(Device card) {
        try (var stats = allocator().getDeviceStats((byte) card.index());
                var tensors = stats.allocated_bytes()) {
            return tensors.peak();
        }
    }

    /// The most bytes that the allocator has had of the driver at a time.
    public static long peakReservedBytes(Device card) {
        try (var stats = allocator().getDeviceStats((byte) card.index());
                var segments = stats.reserved_bytes()) {
            return segments.peak();
        }
    }

    /// Begins to watch for the peaks anew.
    public static void resetPeak(Device card) {
        allocator().resetPeakStats((byte) card.index());
    }

    /// Bytes that no process has taken, and the card's bytes in all.
    public static long[] freeAndTotal(Device card) {
        try (var pair = allocator().getMemoryInfo((byte) card.index())) {
            return new long[] {pair.first(), pair.second()};
        }
    }

    /// Gives back to the driver what no tensor uses.
    public static void release() {
        allocator().emptyCache();
    }

    /// Waits until the card has done all that it was asked for.
    public static void synchronize() {
        torch_cuda.device_synchronize();
    }

    private static DeviceAllocator allocator() {
        Torch.load();
        return torch_cuda.getDeviceAllocator(torch.DeviceType.CUDA);
    }
}
