package dev.graft.optim;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Where an optimizer's moments lie: in the device's memory, in a file that is mapped into the
/// host's, or in the host's while a card steps them. Where nothing comes, goes or has to be waited
/// for, the defaults will do: whoever reads a tensor of a device waits for it.
sealed interface StateMemory extends AutoCloseable permits ResidentMemory, PageFile, HostMemory {
    /// A tensor of zeros that belongs to the current scope.
    Tensor zeros(DType type, long... shape);

    /// Whether a step is to go over one part at a time, so that only its moments are in memory.
    default boolean partwise() {
        return false;
    }

    /// Waits until what was asked of the moments is done, so that the host may read them.
    default void settle() {}

    /// Begins to bring a tensor into memory, and returns at once.
    default void willNeed(Tensor moments) {}

    /// Lets a tensor go from memory, unless it belongs to what stays there; its values stay.
    default void release(Tensor moments) {}

    @Override
    default void close() {}
}
