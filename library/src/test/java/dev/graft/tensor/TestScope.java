package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.Supplier;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// A scope around each test of a class, after which nothing may be left alive that was not before.
public final class TestScope implements BeforeEachCallback, AfterEachCallback {
    private final Supplier<Device> device;
    private long tensorsBefore;
    private long bytesBefore;
    private Scope scope;

    public TestScope() {
        this(() -> Device.CPU);
    }

    /// With tensors on a device that is asked for when a test begins.
    public TestScope(Supplier<Device> device) {
        this.device = device;
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        tensorsBefore = Scope.liveTensors();
        bytesBefore = Scope.liveBytes();
        scope = Scope.open("test", device.get());
    }

    @Override
    public void afterEach(ExtensionContext context) {
        scope.close();
        assertThat(Scope.liveTensors()).as("live tensors").isEqualTo(tensorsBefore);
        assertThat(Scope.liveBytes()).as("live bytes").isEqualTo(bytesBefore);
    }
}
