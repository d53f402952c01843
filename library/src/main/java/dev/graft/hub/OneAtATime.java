package dev.graft.hub;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/// Passes on what several threads tell, one call at a time.
record OneAtATime(PullListener listener, Lock lock) implements PullListener {
    OneAtATime(PullListener listener) {
        this(listener, new ReentrantLock());
    }

    private void tell(Runnable call) {
        lock.lock();
        try {
            call.run();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void planned(String commit, List<RemoteFile> files) {
        tell(() -> listener.planned(commit, files));
    }

    @Override
    public void progress(RemoteFile file, long bytes) {
        tell(() -> listener.progress(file, bytes));
    }

    @Override
    public void finished(RemoteFile file, boolean fetched) {
        tell(() -> listener.finished(file, fetched));
    }

    @Override
    public void retrying(String what, String reason, Duration pause) {
        tell(() -> listener.retrying(what, reason, pause));
    }

    @Override
    public void waiting(String what) {
        tell(() -> listener.waiting(what));
    }
}
