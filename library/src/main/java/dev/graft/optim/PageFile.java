package dev.graft.optim;

import dev.graft.error.ConfigException;
import dev.graft.tensor.DType;
import dev.graft.tensor.Pages;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/// A temporary file of zeros, mapped into memory, that the system reads and writes page by page.
///
/// It is written in full before it is mapped, because a mapped file that finds the disk full kills
/// the process. It is gone when the process ends, however that happens: on POSIX it has no name any
/// more once it is open.
final class PageFile implements StateMemory {
    /// Every tensor begins on a page of its own, so that letting one go leaves its neighbours.
    private static final long PAGE = 4096;

    private static final int CHUNK = 4 << 20;

    private final Arena arena = Arena.ofShared();
    private final FileChannel channel;
    private final MemorySegment mapped;
    private long used;

    private PageFile(FileChannel channel, long bytes) throws IOException {
        this.channel = channel;
        this.mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
    }

    /// Bytes that a tensor of so many takes.
    static long paged(long bytes) {
        return Math.ceilDiv(bytes, PAGE) * PAGE;
    }

    /// Makes a page file in a folder.
    ///
    /// @throws ConfigException if the disk has no room for it
    static PageFile create(Path folder, long bytes) {
        FileChannel channel = null;
        try {
            Files.createDirectories(folder);
            long free = Files.getFileStore(folder).getUsableSpace();
            if (free < bytes) {
                throw noRoom(folder, bytes, free, null);
            }
            channel =
                    FileChannel.open(
                            folder.resolve(".optimizer-" + UUID.randomUUID() + ".pages"),
                            StandardOpenOption.CREATE_NEW,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE,
                            StandardOpenOption.DELETE_ON_CLOSE);
            fill(channel, bytes);
            return new PageFile(channel, bytes);
        } catch (IOException e) {
            close(channel, e);
            throw noRoom(folder, bytes, folder.toFile().getUsableSpace(), e);
        }
    }

    private static void fill(FileChannel channel, long bytes) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(CHUNK);
        for (long at = 0; at < bytes; at += CHUNK) {
            zeros.clear().limit((int) Math.min(CHUNK, bytes - at));
            while (zeros.hasRemaining()) {
                channel.write(zeros);
            }
        }
    }

    private static void close(FileChannel channel, IOException reason) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                reason.addSuppressed(e);
            }
        }
    }

    private static ConfigException noRoom(
            Path folder, long bytes, long free, IOException reason) {
        return new ConfigException(
                "no disk room for the page file of the optimizer: %s has %,d bytes free, expected %,d%s; free some, choose another output_dir, or an optim that is not paged"
                        .formatted(
                                folder.toAbsolutePath(),
                                free,
                                bytes,
                                reason == null ? "" : " (" + reason.getMessage() + ")"),
                reason);
    }

    @Override
    public Tensor zeros(DType type, long... shape) {
        long bytes = type.bytes();
        for (long d : shape) {
            bytes *= d;
        }
        Tensor tensor = Tensor.over(mapped.asSlice(used, bytes), type, shape);
        used += paged(bytes);
        return tensor;
    }

    @Override
    public void willNeed(Tensor moments) {
        Pages.willNeed(pages(moments));
    }

    @Override
    public void release(Tensor moments) {
        Pages.release(pages(moments));
    }

    /// The pages of a tensor, the last one whole.
    private MemorySegment pages(Tensor moments) {
        long from = moments.address() - mapped.address();
        return mapped.asSlice(from, paged(moments.numel() * moments.dtype().bytes()));
    }

    @Override
    public void close() {
        arena.close();
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("the page file cannot be closed", e);
        }
    }
}
