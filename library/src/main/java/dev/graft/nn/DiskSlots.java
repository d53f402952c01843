package dev.graft.nn;

import dev.graft.format.ScratchFile;
import dev.graft.tensor.Pages;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Places on disk, for tensors of the processor. A place is a [ScratchFile].
final class DiskSlots implements Slots {
    private final Path folder;
    private final List<ScratchFile> slots = new ArrayList<>();

    DiskSlots(Path folder) {
        this.folder = folder;
    }

    /// It lies outside of this process's memory until it is read.
    ///
    /// @throws ConfigException if the disk has no room
    @Override
    public Tensor put(int slot, Tensor tensor) {
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

    @Override
    public Tensor back(int slot, Tensor resting) {
        return resting.alias();
    }

    @Override
    public void willNeed(int slot) {
        if (slot >= 0) {
            Pages.willNeed(slots.get(slot).memory());
        }
    }

    /// Takes a place out of this process's memory.
    @Override
    public void release(int slot) {
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
