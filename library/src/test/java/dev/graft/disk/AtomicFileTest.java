package dev.graft.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.TrainingException;
import dev.graft.format.SafetensorsWriter;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A file appears whole or not at all, and what stood under its name stays.
class AtomicFileTest {
    @TempDir private Path folder;
    private Path file;

    @BeforeEach
    void writeOldFile() throws IOException {
        file = folder.resolve("file.txt");
        Files.writeString(file, "old");
    }

    private void assertOnlyTheOldFile() throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            assertThat(entries).containsExactly(file);
        }
        assertThat(file).hasContent("old");
    }

    private static ByteBuffer half() {
        return ByteBuffer.wrap("half".getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void newContentReplacesTheOld() throws Exception {
        AtomicFile.write(file, "new");
        assertThat(file).hasContent("new");
        try (Stream<Path> entries = Files.list(folder)) {
            assertThat(entries).containsExactly(file);
        }
    }

    @Test
    void missingFoldersAreMade() {
        Path deep = folder.resolve("a/b/c.txt");
        AtomicFile.write(deep, "text");
        assertThat(deep).hasContent("text");
    }

    @Test
    void diskThatFailsMidwayLeavesTheOldFile() throws Exception {
        assertThatThrownBy(
                        () ->
                                AtomicFile.write(
                                        file,
                                        channel -> {
                                            channel.write(half());
                                            throw new IOException("No space left on device");
                                        }))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("No space left on device")
                .hasMessageNotContaining("\n");
        assertOnlyTheOldFile();
    }

    @Test
    void contentThatThrowsLeavesTheOldFile() throws Exception {
        var bug = new IllegalStateException("a bug");
        assertThatThrownBy(
                        () ->
                                AtomicFile.write(
                                        file,
                                        channel -> {
                                            channel.write(half());
                                            throw bug;
                                        }))
                .isSameAs(bug);
        assertOnlyTheOldFile();
    }

    @Test
    void errorOfTheMachineLeavesTheOldFile() throws Exception {
        var error = new OutOfMemoryError("Java heap space");
        assertThatThrownBy(
                        () ->
                                AtomicFile.write(
                                        file,
                                        channel -> {
                                            channel.write(half());
                                            throw error;
                                        }))
                .isSameAs(error);
        assertOnlyTheOldFile();
    }

    @Test
    void folderThatIsAFileIsNamed() throws Exception {
        Path below = file.resolve("sub/x.txt");
        assertThatThrownBy(() -> AtomicFile.write(below, "text"))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining(below.toString())
                .hasMessageNotContaining("\n");
        assertOnlyTheOldFile();
    }

    @Test
    void folderUnderTheNameIsNotReplaced() throws Exception {
        Path taken = folder.resolve("taken");
        Files.createDirectories(taken.resolve("sub"));
        assertThatThrownBy(() -> AtomicFile.write(taken, "text"))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining(taken.toString());
        assertThat(taken.resolve("sub")).isDirectory();
        assertThat(folder.resolve("taken.part")).doesNotExist();
    }

    @Test
    void tensorThatCannotBeMadeLeavesNoSafetensorsFile() throws Exception {
        long live = Scope.liveTensors();
        try (var _ = Scope.open()) {
            var good = SafetensorsWriter.Entry.of("good", Tensor.zeros(DType.F32, 4));
            var wrong =
                    new SafetensorsWriter.Entry(
                            "wrong", DType.F32, new long[] {5}, () -> Tensor.zeros(DType.F32, 4));
            assertThatThrownBy(() -> SafetensorsWriter.write(file, List.of(good, wrong), Map.of()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("wrong");
        }
        assertOnlyTheOldFile();
        assertThat(Scope.liveTensors()).isEqualTo(live);
    }
}
