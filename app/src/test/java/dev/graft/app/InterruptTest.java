package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Ctrl-C, in a process of its own.
final class InterruptTest {
    @TempDir private Path folder;

    /// With SIGINT as usual: a build that runs in the background of a shell has it ignored, and
    /// hands that down.
    private static final List<String> WITH_SIGNALS = List.of("env", "--default-signal=INT");

    private static boolean hasSignals() throws Exception {
        List<String> command = new ArrayList<>(WITH_SIGNALS);
        command.add("true");
        return new ProcessBuilder(command).start().waitFor() == 0;
    }

    private Process start(String... args) throws Exception {
        List<String> command = new ArrayList<>(hasSignals() ? WITH_SIGNALS : List.of());
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("--add-modules=jdk.incubator.vector");
        command.add("-Dorg.bytedeco.javacpp.nopointergc=true");
        command.add("-Dorg.bytedeco.javacpp.logger=slf4j");
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add("dev.graft.app.Main");
        command.addAll(List.of(args));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private static String readUntil(BufferedReader lines, String part) throws IOException {
        var seen = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            seen.append(line).append('\n');
            if (line.contains(part)) {
                return seen.toString();
            }
        }
        throw new AssertionError("no '%s' in:%n%s".formatted(part, seen));
    }

    @Test
    @Timeout(120)
    void interruptSavesACheckpointThatTheRunGoesOnFrom() throws Exception {
        Path model = Shared.folder("models/stories260K");
        Path data = folder.resolve("data.txt");
        Files.writeString(data, "Once upon a time there was a dog.\n\n".repeat(200));
        Path output = folder.resolve("out");
        Process process =
                start(
                        "train",
                        "--model-name-or-path=" + model,
                        "--dataset=" + data,
                        "--output-dir=" + output,
                        "--max-length=64",
                        "--max-steps=100000");
        // Where `env` cannot do that, Java ignores SIGINT with the build, and no line ends.
        CompletableFuture.delayedExecutor(100, TimeUnit.SECONDS).execute(process::destroyForcibly);
        try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
            readUntil(lines, "step ");
            new ProcessBuilder("kill", "-INT", String.valueOf(process.pid())).start().waitFor();
            String rest = readUntil(lines, "--resume-from-checkpoint");
            assertThat(rest).contains("stopping after this step", "saved", "checkpoint-");
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(130);
        } finally {
            process.destroyForcibly();
        }
        try (var entries = Files.list(output)) {
            Path checkpoint =
                    entries.filter(p -> p.getFileName().toString().startsWith("checkpoint-"))
                            .findFirst()
                            .orElseThrow();
            assertThat(checkpoint.resolve("trainer_state.json")).exists();
        }
    }
}
