package dev.graft.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.PrimitiveIterator;

/// What is known of each example while a file of tokens is written: where it begins, how many of
/// its tokens are trained, and its hash. On disk, so that memory does not grow with their number;
/// gone when it is closed.
final class ExampleIndex implements AutoCloseable {
    private static final int RECORD = 24;

    private final FileChannel file;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(RECORD << 12);
    private long size;

    /// @param folder where there is room
    ExampleIndex(Path folder) throws IOException {
        Path path = Files.createTempFile(folder, "index", ".tokens.part");
        this.file =
                FileChannel.open(
                        path,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.DELETE_ON_CLOSE);
    }

    void add(long start, int trained, long hash) throws IOException {
        if (!buffer.hasRemaining()) {
            flush();
        }
        buffer.putLong(start).putLong(trained).putLong(hash);
        size++;
    }

    long size() {
        return size;
    }

    private void flush() throws IOException {
        buffer.flip();
        while (buffer.hasRemaining()) {
            file.write(buffer);
        }
        buffer.clear();
    }

    PrimitiveIterator.OfLong starts() {
        return column(0);
    }

    PrimitiveIterator.OfLong trained() {
        return column(1);
    }

    PrimitiveIterator.OfLong hashes() {
        return column(2);
    }

    private PrimitiveIterator.OfLong column(int column) {
        try {
            flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var read = ByteBuffer.allocate(buffer.capacity()).limit(0);
        return new PrimitiveIterator.OfLong() {
            private long next;

            @Override
            public boolean hasNext() {
                return next < size;
            }

            @Override
            public long nextLong() {
                if (!read.hasRemaining()) {
                    fill(read, next * RECORD);
                }
                next++;
                long value = read.getLong(read.position() + 8 * column);
                read.position(read.position() + RECORD);
                return value;
            }
        };
    }

    private void fill(ByteBuffer read, long at) {
        read.clear();
        try {
            int got = 0;
            while (got >= 0 && read.hasRemaining()) {
                got = file.read(read, at + read.position());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        read.flip();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
