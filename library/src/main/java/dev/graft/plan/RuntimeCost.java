package dev.graft.plan;

/// What a run holds apart from tensors. Measured, not derived: see `docs/memory.md`.
final class RuntimeCost {
    /// Heap, classes, compiled code, stacks, libtorch's and DuckDB's own memory.
    static final long MEMORY = 300L << 20;

    /// Pages of the shared libraries and of the class archive.
    static final long LIBRARIES = 200L << 20;

    private RuntimeCost() {}

    static long heap(Job.Heap heap) {
        return 0;
    }
}
