package dev.graft.optim;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Where an optimizer's moments lie: in memory, or in a file that is mapped into it.
sealed interface StateMemory extends AutoCloseable permits ResidentMemory, PageFile {
    /// A tensor of zeros that belongs to the current scope.
    Tensor zeros(DType type, long... shape);

    /// Begins to bring a tensor into memory, and returns at once.
    void willNeed(Tensor moments);

    /// Lets a tensor go from memory, unless it belongs to what stays there; its values stay.
    void release(Tensor moments);

    @Override
    void close();
}
