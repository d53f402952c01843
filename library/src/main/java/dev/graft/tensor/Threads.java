package dev.graft.tensor;

/// How many threads a run has, known before the natives load.
public final class Threads {
    private Threads() {}

    /// What OMP_NUM_THREADS says, as in PyTorch, else one a processor.
    public static int wanted() {
        return wanted(System.getenv("OMP_NUM_THREADS"), Runtime.getRuntime().availableProcessors());
    }

    static int wanted(String asked, int processors) {
        return asked != null && asked.matches("[1-9]\\d{0,3}")
                ? Integer.parseInt(asked)
                : processors;
    }
}
