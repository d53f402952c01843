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
///
/// A step walks over the whole file in order. Under a limit its beginning stays in memory and the
/// rest comes and goes. (To let go of what was used longest ago would let go of just what the next
/// step needs first.)
final class PageFile implements StateMemory {
    /// What one access may bring into memory: the system's cache keeps a file in pieces of up to
    /// 2 MiB and maps a piece as a whole. Tensors of this size and more begin on a window.
    static final long WINDOW = 2 << 20;

    private static final long PAGE = 4096;
    private static final int CHUNK = 4 << 20;

    private final Arena arena = Arena.ofShared();
    private final FileChannel channel;
    private final MemorySegment mapped;
    private final long kept;
    private long used;

    private PageFile(FileChannel channel, long bytes, long kept) throws IOException {
        this.channel = channel;
        this.mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
        this.kept = kept;
    }

    /// Where a tensor of so many bytes begins behind `used` bytes.
    private static long place(long used, long bytes) {
        long unit = bytes >= WINDOW ? WINDOW : PAGE;
        return Math.ceilDiv(used, unit) * unit;
    }

    /// Bytes of the file with a tensor of so many bytes behind `used` bytes.
    static long with(long used, long bytes) {
        return place(used, bytes) + bytes;
    }

    /// Makes a page file in a folder.
    ///
    /// @param kept bytes at its beginning that are never let go
    /// @throws ConfigException if the disk has no room for it
    static PageFile create(Path folder, long bytes, long kept) {
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
            return new PageFile(channel, bytes, kept);
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

    private static ConfigException noRoom(Path folder, long bytes, long free, IOException reason) {
        return new ConfigException(
                "no disk room for the page file of the optimizer: %s has %,d bytes free, expected %,d%s; free some, choose another output_dir, or an optim that is not paged"
                        .formatted(
                                folder.toAbsolutePath(),
                                free,
                                bytes,
                                reason == null ? "" : " (" + reason + ")"),
                reason);
    }

    @Override
    public Tensor zeros(DType type, long... shape) {
        long bytes = type.bytes();
        for (long d : shape) {
            bytes *= d;
        }
        Tensor tensor = Tensor.over(mapped.asSlice(place(used, bytes), bytes), type, shape);
        used = with(used, bytes);
        return tensor;
    }

    @Override
    public void willNeed(Tensor moments) {
        Pages.willNeed(moments.segment());
    }

    @Override
    public void release(Tensor moments) {
        long from = moments.address() - mapped.address();
        long to = from + moments.segment().byteSize();
        long first = Math.max(kept, from / WINDOW * WINDOW);
        long end = Math.min(mapped.byteSize(), Math.ceilDiv(to, WINDOW) * WINDOW);
        if (first < end) {
            Pages.release(mapped.asSlice(first, end - first));
        }
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
