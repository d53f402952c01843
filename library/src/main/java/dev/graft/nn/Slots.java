package dev.graft.nn;

import dev.graft.tensor.Tensor;

/// Numbered places where tensors rest between the forward and the backward pass, used again by
/// every pass.
sealed interface Slots extends AutoCloseable permits DiskSlots, HostSlots {
    /// Copies a tensor to a place and returns it as it lies there. Places are filled from 0 up.
    Tensor put(int slot, Tensor tensor);

    /// What was put to a place, where it can be computed with.
    ///
    /// @param resting what `put` returned
    Tensor back(int slot, Tensor resting);

    /// Begins to read a place, if there is one of that number.
    void willNeed(int slot);

    /// Tells that a place is not read again in this pass.
    void release(int slot);

    @Override
    void close();
}
