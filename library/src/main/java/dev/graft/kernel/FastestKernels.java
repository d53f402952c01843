package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Tensor;

/// Which implementation is the fastest for a tensor.
final class FastestKernels {
    /// Kernels of a card, in tests without one; else null.
    private static volatile Kernels emulated;

    private FastestKernels() {}

    static Kernels of(Tensor x) {
        Device device = x.device();
        if (device.isCard()) {
            return CudaKernels.on(device);
        }
        Kernels card = emulated;
        if (card != null) {
            return card;
        }
        boolean forVectors = device.isCpu() && x.dtype() == DType.F32;
        return forVectors ? VectorKernels.INSTANCE : TorchKernels.INSTANCE;
    }

    /// For tests, which may not run beside others meanwhile: kernels of a card that run wherever
    /// there is none, until null is given.
    static void emulate(Kernels card) {
        emulated = card;
    }
}
