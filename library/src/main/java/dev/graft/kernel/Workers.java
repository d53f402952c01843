package dev.graft.kernel;

import dev.graft.tensor.Torch;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/// A parallel loop over independent rows, on the caller's thread and on up to `Torch.threads() - 1`
/// daemon threads that spin for a few microseconds between loops before they sleep.
///
/// A loop belongs to its caller, who takes pieces of it until none is left; the workers only help.
/// So loops of several threads at once are safe: at worst one of them gets no help.
final class Workers {
    /// Rows of a loop; must give the same result however the rows are split.
    interface Rows {
        void run(long from, long to);
    }

    private static final long SMALL = 32 * 1024; // elements that are not worth a second thread
    private static final long PIECE = 16 * 1024; // elements that a thread takes at least
    private static final int SPINS = 300;

    private static final AtomicReference<Loop> OFFERED = new AtomicReference<>();
    private static volatile Worker[] workers = {};

    private Workers() {}

    static void rows(long rows, long elementsPerRow, Rows body) {
        rows(Torch.threads(), rows, elementsPerRow, body);
    }

    static void rows(int threads, long rows, long elementsPerRow, Rows body) {
        long piece = Math.max(1, PIECE / Math.max(1, elementsPerRow));
        long sharers = elementsPerRow < PIECE ? 2L * threads : rows;
        var loop = new Loop(body, rows, piece, sharers, threads - 1);
        if (threads > 1 && rows > piece && rows * elementsPerRow > SMALL) {
            offer(loop, threads - 1);
            loop.work();
            loop.await();
            OFFERED.compareAndSet(loop, null);
        } else {
            loop.work();
        }
        loop.rethrow();
    }

    private static void offer(Loop loop, int helpers) {
        Worker[] all = workers;
        if (all.length < helpers) {
            all = hire(helpers);
        }
        OFFERED.set(loop);
        for (Worker w : all) {
            if (w.asleep) {
                LockSupport.unpark(w);
            }
        }
    }

    private static synchronized Worker[] hire(int count) {
        Worker[] before = workers;
        if (before.length >= count) {
            return before;
        }
        Worker[] after = Arrays.copyOf(before, count);
        for (int i = before.length; i < count; i++) {
            after[i] = new Worker(i + 1);
            after[i].start();
        }
        workers = after;
        return after;
    }

    private static final class Loop {
        private final Rows body;
        private final long rows;
        private final long piece;
        private final long sharers;
        private final AtomicInteger places;
        private final AtomicLong next = new AtomicLong();
        private final AtomicLong done = new AtomicLong();
        private final AtomicReference<Throwable> failure = new AtomicReference<>();

        /// @param piece rows that a thread takes at least
        /// @param sharers a thread takes one part of so many of what is left: large pieces first,
        ///     for each costs what two processors need to agree, and small ones at the end
        Loop(Rows body, long rows, long piece, long sharers, int helpers) {
            this.body = body;
            this.rows = rows;
            this.piece = piece;
            this.sharers = sharers;
            this.places = new AtomicInteger(helpers);
        }

        void help() {
            if (places.getAndDecrement() > 0) {
                work();
            }
        }

        void work() {
            for (long from = next.get(); from < rows; from = next.get()) {
                long to = Math.min(rows, from + Math.max(piece, (rows - from) / sharers));
                if (next.compareAndSet(from, to)) {
                    run(from, to);
                }
            }
        }

        private void run(long from, long to) {
            try {
                if (failure.get() == null) {
                    body.run(from, to);
                }
            } catch (Throwable e) {
                failure.compareAndSet(null, e);
            } finally {
                done.addAndGet(to - from);
            }
        }

        /// Waits for the pieces that helpers have begun.
        void await() {
            for (int spins = 0; done.get() < rows; spins++) {
                if (spins < 100 * SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(20_000);
                }
            }
        }

        void rethrow() {
            switch (failure.get()) {
                case null -> {}
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }
    }

    private static final class Worker extends Thread {
        private volatile boolean asleep;

        Worker(int number) {
            super("graft-kernel-" + number);
            setDaemon(true);
        }

        @Override
        public void run() {
            Loop last = null;
            int spins = 0;
            while (true) {
                Loop loop = OFFERED.get();
                if (loop != null && loop != last) {
                    loop.help();
                    last = loop;
                    spins = 0;
                } else if (spins++ < SPINS) {
                    Thread.onSpinWait();
                } else {
                    last = null;
                    asleep = true;
                    if (OFFERED.get() == loop) {
                        LockSupport.park(this);
                    }
                    asleep = false;
                    spins = 0;
                }
            }
        }
    }
}
