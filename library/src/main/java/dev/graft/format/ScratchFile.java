package dev.graft.format;

import dev.graft.error.ConfigException;
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

/// A file of zeros, mapped into memory, for what does not fit or need not stay there.
///
/// It is written in full before it is mapped: a mapped file that finds the disk full kills the
/// process. It is gone when the process ends, however that happens: on POSIX it has no name any
/// more once it is open.
public final class ScratchFile implements AutoCloseable {
    private static final int CHUNK = 4 << 20;

    private final Arena arena = Arena.ofShared();
    private final FileChannel channel;
    private final MemorySegment memory;

    private ScratchFile(FileChannel channel, long bytes) throws IOException {
        this.channel = channel;
        this.memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
    }

    /// Makes a file in a folder, which is made too if needed.
    ///
    /// @param what it is for, as the beginning of the message
    /// @param advice what to do about a full disk
    /// @throws ConfigException if the disk has no room
    public static ScratchFile create(Path folder, long bytes, String what, String advice) {
        FileChannel channel = null;
        try {
            Files.createDirectories(folder);
            if (Files.getFileStore(folder).getUsableSpace() < bytes) {
                throw new IOException("too little room");
            }
            channel =
                    FileChannel.open(
                            folder.resolve("." + UUID.randomUUID() + ".scratch"),
                            StandardOpenOption.CREATE_NEW,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE,
                            StandardOpenOption.DELETE_ON_CLOSE);
            fill(channel, bytes);
            return new ScratchFile(channel, bytes);
        } catch (IOException e) {
            close(channel, e);
            throw new ConfigException(
                    "%s: no disk room in %s: %s; found %,d bytes free, expected %,d; %s"
                            .formatted(
                                    what,
                                    folder.toAbsolutePath(),
                                    e.getMessage(),
                                    folder.toFile().getUsableSpace(),
                                    bytes,
                                    advice),
                    e);
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

    /// The file's bytes, valid until this closes.
    public MemorySegment memory() {
        return memory;
    }

    @Override
    public void close() {
        arena.close();
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("a scratch file cannot be closed", e);
        }
    }
}
