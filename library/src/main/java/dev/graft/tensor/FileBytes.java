package dev.graft.tensor;

import dev.graft.error.ModelFormatException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/// Bytes of a file that is open, read by any thread into memory of the caller: unlike those of a
/// mapping they are never in this process's memory besides, and cost no page faults.
///
/// `pread` of the C library, since an interrupt of one thread closes a `FileChannel` for all.
public final class FileBytes implements AutoCloseable {
    private static final int READ_ONLY = 0;
    private static final boolean UNIX = !System.getProperty("os.name").startsWith("Windows");

    private static final Optional<MethodHandle> OPEN =
            UNIX ? Libc.find("open", ValueLayout.ADDRESS, ValueLayout.JAVA_INT) : Optional.empty();
    private static final Optional<MethodHandle> CLOSE =
            UNIX ? Libc.find("close", ValueLayout.JAVA_INT) : Optional.empty();
    private static final Optional<MethodHandle> PREAD =
            UNIX
                    ? Libc.find(
                            "pread",
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG))
                    : Optional.empty();

    /// A file that is open, of all parts.
    private static final class Source {
        private final Path path;
        private final int descriptor;
        private volatile boolean closed;

        private Source(Path path, int descriptor) {
            this.path = path;
            this.descriptor = descriptor;
        }
    }

    private final Source source;
    private final long offset;
    private final long length;
    private final boolean whole;

    private FileBytes(Source source, long offset, long length, boolean whole) {
        this.source = source;
        this.offset = offset;
        this.length = length;
        this.whole = whole;
    }

    /// All bytes of a file; empty where the system has no such call, or refuses to open it. Who
    /// opens it closes it, when none of its parts is read any more.
    ///
    /// @param length of the file
    public static Optional<FileBytes> open(Path path, long length) {
        if (OPEN.isEmpty() || CLOSE.isEmpty() || PREAD.isEmpty()) {
            return Optional.empty();
        }
        int descriptor;
        try (var arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(path.toAbsolutePath().toString());
            descriptor = (int) OPEN.get().invokeExact(name, READ_ONLY);
        } catch (Throwable e) {
            throw new IllegalStateException("open could not be called", e);
        }
        return descriptor < 0
                ? Optional.empty()
                : Optional.of(new FileBytes(new Source(path, descriptor), 0, length, true));
    }

    public long length() {
        return length;
    }

    /// A part of them, whose `close` does nothing.
    public FileBytes part(long from, long bytes) {
        requireWithin(from, bytes);
        return new FileBytes(source, offset + from, bytes, false);
    }

    /// Fills memory with the bytes from `from` on.
    ///
    /// @throws ModelFormatException if the file has become shorter, or its disk fails
    public void read(long from, MemorySegment into) {
        long bytes = into.byteSize();
        requireWithin(from, bytes);
        if (source.closed) {
            throw new IllegalStateException(source.path + " is closed");
        }
        for (long done = 0; done < bytes; ) {
            long got = read(into.asSlice(done), bytes - done, offset + from + done);
            if (got <= 0) {
                throw new ModelFormatException(
                        "%s: found no bytes at %,d, expected %,d more: the file has become shorter, or its disk fails"
                                .formatted(source.path, offset + from + done, bytes - done));
            }
            done += got;
        }
    }

    private void requireWithin(long from, long bytes) {
        if (from < 0 || bytes < 0 || from + bytes > length) {
            throw new IndexOutOfBoundsException(
                    "%,d bytes from %,d on, of %,d".formatted(bytes, from, length));
        }
    }

    private long read(MemorySegment into, long bytes, long at) {
        try {
            return (long) PREAD.orElseThrow().invokeExact(source.descriptor, into, bytes, at);
        } catch (Throwable e) {
            throw new IllegalStateException("pread could not be called", e);
        }
    }

    @Override
    public void close() {
        if (!whole || source.closed) {
            return;
        }
        source.closed = true;
        try {
            int _ = (int) CLOSE.orElseThrow().invokeExact(source.descriptor);
        } catch (Throwable e) {
            throw new IllegalStateException("close could not be called", e);
        }
    }
}
