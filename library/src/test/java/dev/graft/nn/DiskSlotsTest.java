package dev.graft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ConfigException;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/// Places for tensors in files.
class DiskSlotsTest {
    @TempDir Path folder;
    @RegisterExtension final TestScope scope = new TestScope();

    @Test
    void placesOnDiskHaveNoNameAndGrow() throws Exception {
        try (var disk = new DiskSlots(folder)) {
            Tensor a = Oracle.random(1, 10, 10);
            Tensor b = Oracle.random(2, 10, 10);
            Tensor onDiskA = disk.put(0, a);
            Tensor onDiskB = disk.put(1, b);
            try (var files = Files.list(folder)) {
                assertThat(files).isEmpty();
            }
            disk.willNeed(1);
            assertThat(onDiskB.sameAs(b)).isTrue();
            disk.release(1);
            assertThat(onDiskB.sameAs(b)).isTrue();
            assertThat(onDiskA.sameAs(a)).isTrue();
            Tensor larger = Oracle.random(3, 100, 100);
            assertThat(disk.put(0, larger).sameAs(larger)).isTrue();
            assertThat(disk.put(1, a).sameAs(a)).isTrue();
            assertThat(disk.put(0, b).sameAs(b)).isTrue();
        }
    }

    @Test
    void aDiskWithoutRoomIsNamed() {
        try (var disk = new DiskSlots(folder)) {
            Tensor endless = Oracle.random(1, 1).expand(1L << 50);
            assertThatThrownBy(() -> disk.put(0, endless))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining(folder.toString())
                    .hasMessageContaining("expected 9,007,199,254,740,992")
                    .hasMessageContaining("gradient_checkpointing: layer");
            Tensor small = Oracle.random(1, 3);
            assertThat(disk.put(0, small).sameAs(small)).isTrue();
        }
    }
}
