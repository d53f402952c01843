package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileBytesTest {
    private static final int LENGTH = 10_000;

    @TempDir Path folder;

    private Path path;
    private byte[] contents;

    @BeforeEach
    void write() throws IOException {
        assumeFalse(System.getProperty("os.name").startsWith("Windows"), "there is no pread");
        path = folder.resolve("numbers ü.bin");
        contents = new byte[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            contents[i] = (byte) (31 * i);
        }
        Files.write(path, contents);
    }

    private static byte[] read(FileBytes file, long from, int bytes) {
        try (var arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(bytes);
            file.read(from, memory);
            return memory.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @Test
    void aPartOfAPartIsReadFromItsOwnBeginning() {
        try (var file = FileBytes.open(path, LENGTH).orElseThrow()) {
            var part = file.part(1000, 500).part(100, 50);
            assertThat(read(part, 7, 43)).isEqualTo(Arrays.copyOfRange(contents, 1107, 1150));
            assertThat(read(file, 0, LENGTH)).isEqualTo(contents);
        }
    }

    @Test
    void nothingOutsideOfAPartIsRead() {
        try (var file = FileBytes.open(path, LENGTH).orElseThrow()) {
            var part = file.part(1000, 500);
            assertThatThrownBy(() -> read(part, 400, 101))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> part.part(-1, 2))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aFileThatWasCutMeanwhileIsNamed() throws IOException {
        try (var file = FileBytes.open(path, LENGTH).orElseThrow()) {
            try (var cut = new RandomAccessFile(path.toFile(), "rw")) {
                cut.setLength(6000);
            }
            assertThat(read(file, 5000, 1000)).isEqualTo(Arrays.copyOfRange(contents, 5000, 6000));
            assertThatThrownBy(() -> read(file, 5000, 1001))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining(path.toString())
                    .hasMessageContaining("found no bytes at 6,000, expected 1 more");
        }
    }

    @Test
    void aClosedFileIsNotReadThroughItsParts() {
        var file = FileBytes.open(path, LENGTH).orElseThrow();
        var part = file.part(0, 10);
        part.close();
        assertThat(read(part, 0, 10)).isEqualTo(Arrays.copyOf(contents, 10));
        file.close();
        file.close();
        assertThatThrownBy(() -> read(part, 0, 10))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is closed");
    }

    @Test
    void anInterruptedThreadReadsOn() {
        try (var file = FileBytes.open(path, LENGTH).orElseThrow()) {
            Thread.currentThread().interrupt();
            assertThat(read(file, 0, LENGTH)).isEqualTo(contents);
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void aFileThatIsNotThereIsNoFile() {
        assertThat(FileBytes.open(folder.resolve("none"), 1)).isEmpty();
    }
}
