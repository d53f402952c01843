package dev.graft.plan;

/// What a run holds apart from tensors: measured, not derived. `docs/memory.md` says how.
final class RuntimeCost {
    /// The young generation that the launcher asks for, which every run fills, and beside it
    /// classes, compiled code, stacks and the memory of libtorch and DuckDB.
    static final long MEMORY = 220L << 20;

    /// Pages of the JVM, its class archive and the native libraries that a run touches.
    static final long LIBRARIES = 130L << 20;

    /// The context of CUDA, the code of the kernels and the workspaces of cuBLAS: an estimate that
    /// no card has confirmed yet.
    static final long CARD = 700L << 20;

    /// What the tokenizer makes of a byte of `tokenizer.json`.
    private static final long TOKENIZER_BYTE = 15;

    private RuntimeCost() {}

    static long heap(Job.Heap heap) {
        return TOKENIZER_BYTE * heap.tokenizerFile();
    }
}
