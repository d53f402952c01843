package dev.graft.nn;

import dev.graft.error.ConfigException;
import dev.graft.tensor.Pages;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/// Numbered places on disk where tensors rest between the forward and the backward pass, used
/// again by every pass. A place is a mapped file without a name: the system removes it with the
/// process, however that ends.
final class DiskSlots implements AutoCloseable {
    private static final int ZEROS = 1 << 20;

    private final Path folder;
    private final List<Slot> slots = new ArrayList<>();

    /// @param named the file where the system cannot remove the name of a file in use, or null
    private record Slot(Arena arena, MemorySegment memory, Path named) implements AutoCloseable {
        @Override
        public void close() {
            arena.close();
            if (named != null) {
                try {
                    Files.deleteIfExists(named);
                } catch (IOException e) {
                    throw new UncheckedIOException("cannot remove " + named, e);
                }
            }
        }
    }

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
            List<Slot> tooSmall = slots.subList(slot, slots.size());
            tooSmall.forEach(Slot::close);
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

    /// The file is written, not only made long: a write to a hole of a full disk would end the
    /// process.
    @SuppressWarnings("MustBeClosedChecker") // the slot owns the arena
    private Slot allocate(long bytes) {
        try {
            Files.createDirectories(folder);
            if (Files.getFileStore(folder).getUsableSpace() < bytes) {
                throw noRoom(bytes, null);
            }
            Path file = Files.createTempFile(folder, "activations-", ".tmp");
            var arena = Arena.ofShared();
            try (var channel =
                    FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                fill(channel, bytes);
                MemorySegment memory = channel.map(MapMode.READ_WRITE, 0, bytes, arena);
                return new Slot(arena, memory, removeName(file) ? null : file);
            } catch (IOException e) {
                arena.close();
                Files.deleteIfExists(file);
                throw noRoom(bytes, e);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot use the folder " + folder, e);
        }
    }

    private static void fill(FileChannel channel, long bytes) throws IOException {
        var zeros = ByteBuffer.allocateDirect(ZEROS);
        for (long left = bytes; left > 0; ) {
            zeros.clear().limit((int) Math.min(ZEROS, left));
            left -= channel.write(zeros);
        }
    }

    private static boolean removeName(Path file) {
        try {
            Files.delete(file);
            return true;
        } catch (IOException _) {
            return false; // Windows: after the mapping has ended
        }
    }

    private ConfigException noRoom(long bytes, IOException cause) {
        long total = bytes;
        for (Slot slot : slots) {
            total += slot.memory().byteSize();
        }
        String found = cause == null ? "too little room" : cause.getMessage();
        return new ConfigException(
                "gradient_checkpointing offload: %s in %s, expected %,d bytes for the input of one more layer (%,d so far); free disk space, choose another output_dir, or set gradient_checkpointing: layer"
                        .formatted(found, folder.toAbsolutePath(), bytes, total - bytes),
                cause);
    }

    @Override
    public void close() {
        slots.forEach(Slot::close);
        slots.clear();
    }
}
