package dev.graft.kernel;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// While the tests of a class run, whatever is computed on the processor is computed by the kernels
/// for cards, emulated.
public final class EmulatedCard implements BeforeAllCallback, AfterAllCallback {
    private static EmulatedLauncher launcher;

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        assumeTrue(EmulatedLauncher.isPossible(), "g++ is not here, which the emulation needs");
        FastestKernels.emulate(new CudaKernels(launcher()));
    }

    private static EmulatedLauncher launcher() throws Exception {
        if (launcher == null) {
            Path folder = Files.createTempDirectory("emulated-card");
            launcher = EmulatedLauncher.compile(folder);
            Files.delete(folder.resolve("kernels.so"));
            Files.delete(folder.resolve("kernels.cpp"));
            Files.delete(folder);
        }
        return launcher;
    }

    @Override
    public void afterAll(ExtensionContext context) {
        FastestKernels.emulate(null);
    }
}
