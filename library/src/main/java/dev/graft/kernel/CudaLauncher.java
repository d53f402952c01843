package dev.graft.kernel;

/// Runs kernels of `cuda/*.cu` by their names.
interface CudaLauncher {
    /// Asks for a run; whatever is asked of the device next comes after it.
    ///
    /// @param blocks of threads
    /// @param threads of a block, a multiple of 32
    /// @param arguments in the order of the kernel's parameters: a [dev.graft.tensor.Tensor] for
    ///     a pointer, or null; an [Integer], a [Long] or a [Float] for what is passed as such
    void launch(String kernel, long blocks, int threads, Object... arguments);
}
