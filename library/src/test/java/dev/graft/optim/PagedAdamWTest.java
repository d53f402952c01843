package dev.graft.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.error.ConfigException;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.nn.Parameter;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PagedAdamWTest {
    private static final long MIB = 1 << 20;

    @TempDir Path folder;

    private AdamW.Settings settings(Optim optim, long limit) {
        return new AdamW.Settings(0.9, 0.999, 1e-8, 0.01, optim, new Paging(folder, limit));
    }

    /// Parameters of these lengths, the same numbers every time.
    private static List<Parameter> parameters(int... lengths) {
        var random = new Random(1);
        List<Parameter> parameters = new ArrayList<>();
        for (int length : lengths) {
            Tensor value = Tensor.of(normal(length, random));
            parameters.add(new Parameter("p" + parameters.size(), value));
        }
        return parameters;
    }

    private static float[] normal(int length, Random random) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return values;
    }

    private static void step(AdamW optimizer, List<Parameter> parameters, int seed) {
        var random = new Random(seed);
        for (Parameter p : parameters) {
            float[] g = normal((int) p.value().numel(), random);
            p.gradient().segment().copyFrom(MemorySegment.ofArray(g));
        }
        optimizer.step(1e-2, 0.7);
    }

    private static List<byte[]> bytes(AdamW optimizer, List<Parameter> parameters) {
        List<byte[]> all = new ArrayList<>();
        for (Parameter p : parameters) {
            all.add(p.value().segment().toArray(ValueLayout.JAVA_BYTE));
            assertThat(p.gradient().abs().max().item()).as("zeroed").isZero();
        }
        for (SafetensorsWriter.Entry entry : optimizer.state()) {
            all.add(entry.source().get().segment().toArray(ValueLayout.JAVA_BYTE));
        }
        return all;
    }

    private static List<byte[]> run(AdamW.Settings settings) {
        return run(settings, null);
    }

    /// @param memory of the moments; null for that of the settings
    private static List<byte[]> run(AdamW.Settings settings, StateMemory memory) {
        try (var _ = Scope.open()) {
            List<Parameter> parameters = parameters(2_300_001, 100, 70_000, 4096);
            Predicate<String> decays = n -> !n.equals("p1");
            try (var optimizer =
                    memory == null
                            ? new AdamW(parameters, settings, decays)
                            : new AdamW(parameters, settings, decays, memory)) {
                for (int i = 0; i < 4; i++) {
                    step(optimizer, parameters, i);
                }
                return bytes(optimizer, parameters);
            }
        }
    }

    /// On a card the kernel reaches the host's memory; here the two are the same.
    @ParameterizedTest
    @CsvSource({"ADAMW_TORCH, PAGED_ADAMW_32BIT", "ADAMW_8BIT, PAGED_ADAMW_8BIT"})
    void momentsInTheHostsMemoryEqualThoseOnTheDevice(Optim plain, Optim paged) {
        List<byte[]> expected = run(settings(plain, 0));
        AtomicLong asked = new AtomicLong();
        var memory =
                new HostMemory(
                        Device.CPU,
                        (type, shape) -> {
                            asked.incrementAndGet();
                            return Tensor.empty(type, shape);
                        });
        List<byte[]> actual = run(settings(paged, 0), memory);
        assertThat(asked).hasValue(8); // two moments of four parameters
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).as("tensor %d", i).isEqualTo(expected.get(i));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "ADAMW_TORCH, PAGED_ADAMW_32BIT, 0",
        "ADAMW_TORCH, PAGED_ADAMW_32BIT, 7000000",
        "ADAMW_8BIT, PAGED_ADAMW_8BIT, 0",
        "ADAMW_8BIT, PAGED_ADAMW_8BIT, 7000000"
    })
    void pagedMomentsAndParametersEqualThoseInMemoryBitByBit(Optim plain, Optim paged, long limit) {
        long bytes = Scope.liveBytes();
        long tensors = Scope.liveTensors();
        List<byte[]> expected = run(settings(plain, 0));
        List<byte[]> actual = run(settings(paged, limit));
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).as("tensor %d", i).isEqualTo(expected.get(i));
        }
        assertThat(Scope.liveBytes()).isEqualTo(bytes);
        assertThat(Scope.liveTensors()).isEqualTo(tensors);
    }

    @ParameterizedTest
    @EnumSource(Optim.class)
    void aRestoredOptimizerGoesOnBitByBit(Optim optim) {
        List<byte[]> whole = run(settings(optim, optim.paged() ? 7_000_000 : 0));
        Path file = folder.resolve("optimizer.safetensors");
        try (var _ = Scope.open()) {
            List<Parameter> parameters = parameters(2_300_001, 100, 70_000, 4096);
            AdamW.Settings settings = settings(optim, optim.paged() ? 7_000_000 : 0);
            try (var optimizer = new AdamW(parameters, settings, n -> !n.equals("p1"))) {
                step(optimizer, parameters, 0);
                step(optimizer, parameters, 1);
                SafetensorsWriter.write(file, optimizer.state(), optimizer.metadata());
            }
            try (var optimizer = new AdamW(parameters, settings, n -> !n.equals("p1"));
                    var stored = SafetensorsFile.open(file)) {
                optimizer.restore(stored);
                step(optimizer, parameters, 2);
                step(optimizer, parameters, 3);
                List<byte[]> halves = bytes(optimizer, parameters);
                for (int i = 0; i < whole.size(); i++) {
                    assertThat(halves.get(i)).as("tensor %d", i).isEqualTo(whole.get(i));
                }
            }
        }
    }

    /// 96 MiB of 32-bit moments under 16 MiB, 65 MiB of 8-bit ones under 12.
    @ParameterizedTest
    @CsvSource({"PAGED_ADAMW_32BIT, 12, 16", "PAGED_ADAMW_8BIT, 32, 12"})
    void momentsLargerThanTheirLimitStayUnderIt(Optim optim, int millions, long mebibytes)
            throws Exception {
        assumeTrue(Files.exists(Path.of("/proc/self/smaps")), "no /proc/self/smaps");
        long limit = mebibytes * MIB;
        int most = millions << 20;
        try (var _ = Scope.open()) {
            List<Parameter> parameters = parameters(most / 2, 3000, most / 4, most / 4);
            long state =
                    parameters.stream().mapToLong(p -> optim.stateBytes(p.value().numel())).sum();
            assertThat(state).isGreaterThan(5 * limit);
            try (var optimizer = new AdamW(parameters, settings(optim, limit), n -> true)) {
                for (int i = 0; i < 2; i++) {
                    long peak = peakOf(() -> step(optimizer, parameters, 1));
                    assertThat(peak).as("step %d", i).isBetween(MIB, limit);
                }
                Path file = folder.resolve("state.safetensors");
                SafetensorsWriter.write(file, optimizer.state(), optimizer.metadata());
                try (var stored = SafetensorsFile.open(file)) {
                    optimizer.restore(stored);
                }
                assertThat(residentBytes()).isBetween(1L, limit);
            }
            assertThat(residentBytes()).isZero();
        }
    }

    /// The most that was resident at any of many looks, and at the end.
    private static long peakOf(Runnable work) throws Exception {
        var peak = new AtomicLong();
        var done = new AtomicBoolean();
        var watch =
                new Thread(
                        () -> {
                            while (!done.get()) {
                                peak.accumulateAndGet(residentBytes(), Math::max);
                            }
                        });
        watch.start();
        work.run();
        done.set(true);
        watch.join();
        return Math.max(peak.get(), residentBytes());
    }

    /// Of this process's mappings of page files.
    private static long residentBytes() {
        long bytes = 0;
        boolean ours = false;
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
                if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                    ours = line.contains(".scratch");
                } else if (ours && line.startsWith("Rss:")) {
                    bytes += 1024 * Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes;
    }

    @Test
    void theFileHasNoNameWhileItIsInUse() throws IOException {
        assumeTrue(Files.exists(Path.of("/proc/self/smaps")), "no POSIX system");
        try (var file = PageFile.create(folder, 10_000, 0);
                var _ = Scope.open()) {
            assertThat(folder).isEmptyDirectory();
            Tensor zeros = file.zeros(DType.F32, 5, 100);
            assertThat(zeros.abs().max().item()).isZero();
            zeros.copyInPlace(Tensor.full(DType.F32, 2, 5, 100));
            file.release(zeros);
            assertThat(zeros.sum().item()).isEqualTo(1000);
        }
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aDiskWithoutRoomIsAnErrorThatNamesFolderAndBytes() {
        assertThatThrownBy(() -> PageFile.create(folder, 1L << 60, 0))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("page file of the optimizer: no disk room in")
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("expected 1,152,921,504,606,846,976")
                .hasMessageMatching("(?s).*found [0-9,]+ bytes free.*");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aFolderThatCannotBeWrittenToIsAnError() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        assertThatThrownBy(() -> PageFile.create(file.resolve("below"), 100, 0))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("page file");
    }

    @Test
    void aLimitThatIsTooLowIsAnErrorThatNamesTheLowest() {
        try (var _ = Scope.open()) {
            List<Parameter> parameters = parameters(1 << 20);
            AdamW.Settings low = settings(Optim.PAGED_ADAMW_8BIT, MIB);
            assertThatThrownBy(() -> new AdamW(parameters, low, n -> true))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("optim_memory: found 1,048,576 bytes")
                    .hasMessageContaining("at least 6,324,224");
        }
    }
}
