package dev.graft.kernel;

import dev.graft.tensor.DType;

/// Which implementation runs on a processor.
final class ProcessorKernels {
    /// Kernels of a card, in tests of whole models on an emulated one; else null.
    private static volatile Kernels emulated;

    private ProcessorKernels() {}

    static Kernels of(DType dtype) {
        Kernels instead = emulated;
        if (instead != null) {
            return instead;
        }
        return dtype == DType.F32 ? VectorKernels.INSTANCE : TorchKernels.INSTANCE;
    }

    /// @param kernels null for those of a processor again
    static void emulate(Kernels kernels) {
        emulated = kernels;
    }
}
