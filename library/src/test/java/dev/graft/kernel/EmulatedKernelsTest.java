package dev.graft.kernel;

import dev.graft.tensor.Device;
import org.junit.jupiter.api.BeforeAll;

/// The CUDA kernels emulated on a processor: what they compute, the order of their barriers, and
/// how they are launched; not their speed, and no race within a warp. Once more with blocks and
/// threads in the opposite order, which must not change a bit.
class EmulatedKernelsTest extends CudaKernelsCases {
    private static EmulatedLauncher launcher;

    @BeforeAll
    static void compile() throws Exception {
        launcher = EmulatedCard.launcher();
    }

    @Override
    CudaKernels kernels() {
        return new CudaKernels(launcher);
    }

    @Override
    CudaKernels kernelsAgain() {
        return new CudaKernels(launcher.reversed());
    }

    @Override
    Device device() {
        return Device.CPU;
    }
}
