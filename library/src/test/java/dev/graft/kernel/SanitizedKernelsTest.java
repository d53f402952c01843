package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.console.ConsoleLauncher;

/// The emulated kernels under AddressSanitizer and UndefinedBehaviorSanitizer, in a process of
/// their own: no byte beside a tensor is read or written, none at an address that a card refuses,
/// and nothing depends on memory that nobody wrote to. Tensors of more than 64 KiB, of which few
/// are here, lie in blocks that the sanitizers do not know.
class SanitizedKernelsTest {
    /// Java handles signals by itself, and keeps what it has. Memory that nobody wrote to is not a
    /// number.
    private static final String OPTIONS =
            "handle_segv=0:detect_leaks=0:malloc_fill_byte=255:max_malloc_fill_size=1073741824";

    /// After which a process has hung.
    private static final int MINUTES = 5;

    private static String libraries;

    @TempDir private Path folder;

    /// What the process did.
    private record Ended(int status, String output) {}

    @BeforeAll
    static void find() throws Exception {
        assumeTrue(EmulatedLauncher.isPossible(), "g++ is not here, which the emulation needs");
        List<String> found = new ArrayList<>();
        for (String name : List.of("libasan.so", "libubsan.so", "libstdc++.so")) {
            Process process = new ProcessBuilder("g++", "-print-file-name=" + name).start();
            String answer =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Path path = Path.of(answer.strip()); // the name alone where there is none
            assumeTrue(path.isAbsolute() && Files.exists(path), "g++ has no " + name);
            found.add(path.toString());
        }
        libraries = String.join(":", found);
    }

    private Ended run(Class<?> main, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-D" + EmulatedLauncher.SANITIZE + "=true");
        command.add("-Djava.io.tmpdir=" + folder); // a process that is ended leaves its kernels
        command.add("--add-modules=jdk.incubator.vector");
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-Dorg.bytedeco.javacpp.nopointergc=true");
        command.add("-Dorg.bytedeco.javacpp.logger=slf4j");
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("LD_PRELOAD", libraries);
        builder.environment().put("ASAN_OPTIONS", OPTIONS);
        Process process = builder.start();
        // a thread that reads what another process writes cannot be interrupted
        CompletableFuture.delayedExecutor(MINUTES, TimeUnit.MINUTES)
                .execute(process::destroyForcibly);
        try {
            byte[] output = process.getInputStream().readAllBytes();
            return new Ended(process.waitFor(), new String(output, StandardCharsets.UTF_8));
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void kernelsReachNothingBesideTheirTensors() throws Exception {
        Ended ended =
                run(
                        ConsoleLauncher.class,
                        "execute",
                        "--disable-banner",
                        "--details=summary",
                        "--select-class=" + EmulatedKernelsTest.class.getName());
        assertThat(ended.status()).as(ended.output()).isZero();
        assertThat(ended.output()).contains("0 tests failed").doesNotContain(" 0 tests successful");
    }

    @Test
    void oneNumberTooManyEndsTheProcess() throws Exception {
        Ended ended = run(Dropout.class, "0", "17");
        assertThat(ended.status()).as(ended.output()).isNotZero();
        assertThat(ended.output()).contains("heap-buffer-overflow", "dropout");
    }

    @Test
    void aPackBetweenTwoPacksEndsTheProcess() throws Exception {
        Ended ended = run(Dropout.class, "1", "12");
        assertThat(ended.status()).as(ended.output()).isNotZero();
        assertThat(ended.output()).contains("misaligned address");
    }

    /// A number, and how many from there on: asks for those of sixteen in packs of four.
    static final class Dropout {
        private Dropout() {}

        public static void main(String[] arguments) throws Exception {
            EmulatedLauncher launcher = EmulatedCard.launcher();
            try (var _ = Scope.open()) {
                Tensor x = Tensor.zeros(DType.F32, 16).narrow(0, Integer.parseInt(arguments[0]), 4);
                long count = Long.parseLong(arguments[1]);
                launcher.launch("dropout_f32_4", 1, 32, x, 1L, 1L, 1f, x, count);
            }
        }
    }
}
