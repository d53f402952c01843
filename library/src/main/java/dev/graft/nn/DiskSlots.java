package dev.graft.nn;

import dev.graft.format.ScratchFile;
import dev.graft.tensor.Pages;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Numbered places on disk where tensors rest between the forward and the backward pass, used
/// again by every pass. A place is a [ScratchFile].
final class DiskSlots implements AutoCloseable {
    private final Path folder;
    private final List<ScratchFile> slots = new ArrayList<>();

    DiskSlots(Path folder) {
        this.folder = folder;
    }

    /// Copies a tensor to a place and returns it as it lies there, outside of this process's memory
    /// until it is read. Places are filled from 0 up.
    ///
    /// @throws ConfigException if the disk has no room
    Tensor put(int slot, Tensor tensor) {
        long bytes = tensor.numel() * tensor.dtype().bytes();
        if (slot < slots.size() && slots.get(slot).memory().byteSize() < bytes) {
            List<ScratchFile> tooSmall = slots.subList(slot, slots.size());
            tooSmall.forEach(ScratchFile::close);
            tooSmall.clear();
        }
        if (slot == slots.size()) {
            slots.add(allocate(bytes));
        }
        MemorySegment memory = slots.get(slot).memory().asSlice(0, bytes);
        Tensor there = Tensor.over(memory, tensor.dtype(), tensor.shape());
        there.copyInPlace(tensor);
        Pages.release(memory);
        return there;
    }

    /// Begins to read a place, if there is one of that number.
    void willNeed(int slot) {
        if (slot >= 0) {
            Pages.willNeed(slots.get(slot).memory());
        }
    }

    /// Takes a place out of this process's memory.
    void release(int slot) {
        Pages.release(slots.get(slot).memory());
    }

    private ScratchFile allocate(long bytes) {
        return ScratchFile.create(
                folder,
                bytes,
                "gradient_checkpointing: offload, input of layer " + slots.size(),
                "free some, choose another output_dir, or set gradient_checkpointing: layer");
    }

    @Override
    public void close() {
        slots.forEach(ScratchFile::close);
        slots.clear();
    }
}
