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
        FastestKernels.emulate(new CudaKernels(launcher()));
    }

    /// Compiled once; skips the tests of who asks where there is no compiler.
    static EmulatedLauncher launcher() throws Exception {
        if (launcher == null) {
            assumeTrue(EmulatedLauncher.isPossible(), "g++ is not here, which the emulation needs");
            Path folder = Files.createTempDirectory("emulated-card");
            launcher = EmulatedLauncher.compile(folder);
            // last first, and not before a sanitizer has named what it found
            folder.toFile().deleteOnExit();
            folder.resolve("kernels.cpp").toFile().deleteOnExit();
            folder.resolve("kernels.so").toFile().deleteOnExit();
        }
        return launcher;
    }

    @Override
    public void afterAll(ExtensionContext context) {
        FastestKernels.emulate(null);
    }
}
