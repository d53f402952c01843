package dev.graft.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/// One writer of a blob at a time, among the threads of this process and among processes. The lock
/// of a process that ends goes with it.
final class CacheLock implements AutoCloseable {
    private static final long POLL_MILLIS = 100;

    /// A file lock belongs to the whole process, so that its threads need one of their own.
    private static final Map<Path, ReentrantLock> HERE = new ConcurrentHashMap<>();

    private final ReentrantLock here;
    private final FileChannel channel;

    private CacheLock(ReentrantLock here, FileChannel channel) {
        this.here = here;
        this.channel = channel;
    }

    /// Takes the lock, waiting as long as others have it.
    ///
    /// @param waiting told once if there is something to wait for
    static CacheLock take(Path file, Runnable waiting) {
        ReentrantLock here = HERE.computeIfAbsent(file.toAbsolutePath(), _ -> new ReentrantLock());
        try {
            boolean told = false;
            if (!here.tryLock()) {
                waiting.run();
                told = true;
                here.lockInterruptibly();
            }
            return new CacheLock(here, lockAmongProcesses(file, here, told ? () -> {} : waiting));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new CancellationException(file + ": interrupted");
        }
    }

    private static FileChannel lockAmongProcesses(Path file, ReentrantLock here, Runnable waiting)
            throws InterruptedException {
        FileChannel channel = null;
        boolean locked = false;
        try {
            Files.createDirectories(file.getParent());
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                waiting.run();
            }
            while (lock == null) {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
                lock = channel.tryLock();
            }
            locked = true;
            return channel;
        } catch (IOException e) {
            throw RepoCache.cannotWrite(file, e);
        } finally {
            if (!locked) {
                close(channel, here);
            }
        }
    }

    private static void close(FileChannel channel, ReentrantLock here) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException _) {
            // Only the lock was in it.
        } finally {
            here.unlock();
        }
    }

    @Override
    public void close() {
        close(channel, here);
    }
}
