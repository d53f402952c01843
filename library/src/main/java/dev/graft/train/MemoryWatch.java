package dev.graft.train;

import dev.graft.tensor.Torch;
import java.util.concurrent.locks.LockSupport;

/// Looks at this process's memory twenty times a second, for the system keeps no peak of the part
/// that no file backs.
public final class MemoryWatch implements AutoCloseable {
    private static final long INTERVAL = 50_000_000;

    private final Thread thread;
    private volatile boolean stopped;
    private volatile long anonymous;

    public MemoryWatch() {
        look();
        thread = Thread.ofPlatform().daemon().name("memory watch").start(this::watch);
    }

    private void watch() {
        while (!stopped) {
            LockSupport.parkNanos(INTERVAL);
            look();
        }
    }

    private synchronized void look() {
        anonymous = Math.max(anonymous, Torch.anonymousBytes());
    }

    /// The most memory that no file backs since the watch began, in bytes.
    public long peakAnonymousBytes() {
        look();
        return anonymous;
    }

    @Override
    public void close() {
        stopped = true;
        LockSupport.unpark(thread);
    }
}
