package dev.graft.kernel;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.tensor.Device;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/// The CUDA kernels emulated on a processor: what they compute, the order of their barriers, and
/// how they are launched; not their speed, and no race within a warp. Once more with blocks and
/// threads in the opposite order, which must not change a bit.
class EmulatedKernelsTest extends CudaKernelsCases {
    @TempDir private static Path folder;

    private static EmulatedLauncher launcher;

    @BeforeAll
    static void compile() throws Exception {
        assumeTrue(EmulatedLauncher.isPossible(), "g++ is not here, which the emulation needs");
        launcher = EmulatedLauncher.compile(folder);
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
