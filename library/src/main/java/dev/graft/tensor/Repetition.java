package dev.graft.tensor;

/// Work that is done each time it is asked for, under the rule that a card would set.
final class Repetition implements Recording {
    private static final ThreadLocal<Boolean> RUNNING = ThreadLocal.withInitial(() -> false);

    private final Runnable work;

    private Repetition(Runnable work) {
        this.work = work;
    }

    /// Makes them.
    static final class Maker implements Recorder {
        @Override
        public Recording record(Runnable work) {
            var repetition = new Repetition(work);
            repetition.run();
            return repetition;
        }

        @Override
        public void close() {
            // nothing is held
        }
    }

    /// @throws IllegalStateException within such work
    static void takeFromHost() {
        if (RUNNING.get()) {
            throw new IllegalStateException(
                    "numbers of the host in work that a card would repeat by itself");
        }
    }

    @Override
    public void run() {
        RUNNING.set(true);
        try {
            work.run();
        } finally {
            RUNNING.set(false);
        }
    }

    @Override
    public void close() {
        // nothing is held
    }
}
