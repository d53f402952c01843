package dev.graft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A matrix of 16 bits that is mapped from a file and multiplied in float32.
class PassingWeightTest {
    private static final Path MAPS = Path.of("/proc/self/smaps");
    private static final int IN = 2048;
    private static final int OUT = 4096;
    private static final long BYTES = 2L * IN * OUT;

    @TempDir static Path folder;

    @RegisterExtension final TestScope scope = new TestScope();

    private Path file;

    private void write(DType type) {
        assumeTrue(Files.exists(MAPS), "only Linux tells which pages of a file are resident");
        file = folder.resolve(type + ".safetensors");
        Tensor w = Oracle.random(3, OUT, IN).to(type);
        SafetensorsWriter.write(
                file,
                List.of(new SafetensorsWriter.Entry("w", w.dtype(), w.shape(), () -> w)),
                Map.of());
    }

    /// Bytes of the file that are in this process's memory.
    private long resident() throws IOException {
        long bytes = 0;
        boolean own = false;
        for (String line : Files.readAllLines(MAPS)) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                own = line.endsWith(file.toRealPath().toString());
            } else if (own && line.startsWith("Rss:")) {
                bytes += 1024 * Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return bytes;
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void productsLeaveNoneOfItInMemoryAndAreTheSame(DType type) throws IOException {
        write(type);
        Tensor x = Oracle.random(1, 6, IN).to(DType.F32);
        Tensor ids = Tensor.of(new int[] {1, 5, 9, 4000, 77}).to(DType.I64);
        try (var mapped = SafetensorsFile.open(file);
                var stored = mapped.tensor("w");
                var workspace = new Workspace()) {
            var stays = new FrozenWeight.Dense(stored, DType.F32);
            var unmapped = mapped.unmapped(mapped.tensors().get("w")).orElseThrow();
            var passes = new FrozenWeight.Dense(stored, DType.F32, unmapped);
            double[][] actual = products(passes, x, ids, workspace);
            assertThat(resident()).isLessThan(BYTES / 8);
            double[][] expected = products(stays, x, ids, workspace);
            assertThat(resident()).isGreaterThanOrEqualTo(BYTES);
            assertThat(actual).isDeepEqualTo(expected);
        }
    }

    private static double[][] products(
            FrozenWeight weight, Tensor x, Tensor ids, Workspace workspace) {
        Tensor y = Tensor.empty(DType.F32, x.size(0), OUT);
        Tensor dx = Tensor.empty(DType.F32, x.shape());
        weight.product(x, y, workspace);
        weight.productTransposed(y, dx, false, workspace);
        return new double[][] {y.toDoubles(), dx.toDoubles(), weight.rows(ids).toDoubles()};
    }
}
