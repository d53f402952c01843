package dev.graft.format;

import static dev.graft.format.BadFile.assertBad;
import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Safetensors files, whole and damaged.
class SafetensorsTest {
    @TempDir private Path folder;
    @RegisterExtension final TestScope scope = new TestScope();

    /// A file with this header, single quotes for double ones, and so many zero bytes behind it.
    private Path file(String header, int dataBytes) throws IOException {
        byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        return raw(json.length, json, dataBytes);
    }

    private Path raw(long claimed, byte[] header, int dataBytes) throws IOException {
        var buffer =
                ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(claimed).put(header);
        return Files.write(folder.resolve("x.safetensors"), buffer.array());
    }

    /// A header of one tensor `t`.
    private static String entry(String dtype, String shape, String offsets) {
        return "{'t': {'dtype': '%s', 'shape': %s, 'data_offsets': %s}}"
                .formatted(dtype, shape, offsets);
    }

    private static void open(Path path) {
        SafetensorsFile.open(path).close();
    }

    // ---- whole ----

    @ParameterizedTest
    @EnumSource(DType.class)
    void everyTypeIsReadAsItWasWritten(DType type) {
        Path path = folder.resolve("x.safetensors");
        Tensor values = Tensor.of(new float[] {0, 1, 0, 1, 1, 1}, 2, 3).to(type);
        Tensor scalar = Tensor.full(type, 1);
        Tensor empty = Tensor.zeros(type, 0, 5);
        SafetensorsWriter.write(
                path,
                List.of(
                        SafetensorsWriter.Entry.of("values", values),
                        SafetensorsWriter.Entry.of("scalar", scalar),
                        SafetensorsWriter.Entry.of("empty", empty)),
                Map.of("format", "pt"));
        try (var file = SafetensorsFile.open(path)) {
            assertThat(file.tensors().keySet()).containsExactly("values", "scalar", "empty");
            assertThat(file.tensor("values").sameAs(values)).isTrue();
            assertThat(file.tensor("scalar").sameAs(scalar)).isTrue();
            assertThat(file.tensor("empty").sameAs(empty)).isTrue();
            assertThat(file.metadata()).isEqualTo(Map.of("format", "pt"));
        }
    }

    @Test
    void bitsThatAreNoNumbersSurvive() {
        Path path = folder.resolve("x.safetensors");
        float odd = Float.intBitsToFloat(0x7fc12345);
        float[] values = {Float.NaN, -0.0f, Float.MIN_VALUE, Float.NEGATIVE_INFINITY, odd};
        SafetensorsWriter.write(
                path, List.of(SafetensorsWriter.Entry.of("t", Tensor.of(values))), Map.of());
        try (var file = SafetensorsFile.open(path)) {
            int[] bits = file.bytes(file.tensors().get("t")).toArray(ValueLayout.JAVA_INT);
            for (int i = 0; i < bits.length; i++) {
                assertThat(bits[i]).isEqualTo(Float.floatToRawIntBits(values[i]));
            }
        }
    }

    @Test
    void writerConvertsAndLaysOutViewsRowByRow() {
        Path path = folder.resolve("x.safetensors");
        Tensor transposed = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3).t(); // [3, 2]
        var entry =
                new SafetensorsWriter.Entry(
                        "t", DType.BF16, new long[] {3, 2}, () -> transposed.mul(1.0));
        SafetensorsWriter.write(path, List.of(entry), Map.of());
        try (var file = SafetensorsFile.open(path)) {
            assertThat(file.tensor("t").toFloats()).containsExactly(1, 4, 2, 5, 3, 6);
        }
    }

    @Test
    void namesMayHaveAnyCharacters() {
        Path path = folder.resolve("x.safetensors");
        String name = "größe \"a\\b\"\n\u0001 \uD83D\uDE00";
        SafetensorsWriter.write(
                path,
                List.of(SafetensorsWriter.Entry.of(name, Tensor.of(new int[] {7}))),
                Map.of());
        try (var file = SafetensorsFile.open(path)) {
            assertThat(file.tensor(name).toInts()).containsExactly(7);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void dataNeedNotBeAligned(int spaces) throws Exception {
        Path path = file(entry("F32", "[2]", "[0, 8]") + " ".repeat(spaces), 8);
        byte[] bytes = Files.readAllBytes(path);
        ByteBuffer.wrap(bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(bytes.length - 8, 1.5f)
                .putFloat(bytes.length - 4, -2);
        Files.write(path, bytes);
        try (var file = SafetensorsFile.open(path)) {
            assertThat(file.tensor("t").toFloats()).containsExactly(1.5f, -2);
            assertThat(file.tensor("t").to(DType.F64).toDoubles()).containsExactly(1.5, -2);
        }
    }

    @Test
    void entriesMayStandInAnyOrder() throws Exception {
        Path path =
                file(
                        "{'b': {'dtype': 'U8', 'shape': [2], 'data_offsets': [4, 6]},"
                                + " 'a': {'dtype': 'F32', 'shape': [], 'data_offsets': [0, 4]}}",
                        6);
        try (var file = SafetensorsFile.open(path)) {
            assertThat(file.tensors().keySet()).containsExactly("b", "a");
        }
    }

    @Test
    void tensorThatIsNotThereIsNamed() throws Exception {
        try (var file = SafetensorsFile.open(file(entry("U8", "[2]", "[0, 2]"), 2))) {
            assertBad(() -> file.tensor("u"), file.path(), "no tensor u");
        }
    }

    // ---- damaged ----

    @Test
    void missingFileIsNamed() {
        Path path = folder.resolve("none.safetensors");
        assertBad(() -> open(path), path, "no such file");
        assertBad(() -> open(folder), folder);
    }

    @Test
    void fileCutShortAnywhereIsRefused() throws Exception {
        byte[] whole = Files.readAllBytes(file(entry("F32", "[4]", "[0, 16]"), 16));
        for (int length = 0; length < whole.length; length++) {
            Path path = folder.resolve("cut.safetensors");
            Files.write(path, Arrays.copyOf(whole, length));
            assertBad(() -> open(path), path);
        }
    }

    @Test
    void fileWithBytesBehindItsTensorsIsRefused() throws Exception {
        Path path = file(entry("F32", "[4]", "[0, 16]"), 17);
        assertBad(() -> open(path), path, "expected");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, 1, 100_000_001, Long.MAX_VALUE, Long.MIN_VALUE, 1000})
    void headerLengthThatCannotBeIsRefused(long length) throws Exception {
        Path path = raw(length, "{}".getBytes(StandardCharsets.UTF_8), 64);
        assertBad(() -> open(path), path, "header claims");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hello, I am text",
                "[1, 2]",
                "'t'",
                "{'t': ",
                "{'t': {'dtype': 'F32'",
                "  ",
                "{} {}",
                "{}x",
                "{'a': NaN}"
            })
    void headerThatIsNoJsonObjectIsRefused(String header) throws Exception {
        Path path = file(header, 0);
        assertBad(() -> open(path), path, "header");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "F32  | [4]                   | [0, 12]  | 12",
                "F32  | [2]                   | [0, 16]  | 16",
                "F32  | [-4]                  | [0, 16]  | 16",
                "F32  | [-2, -2]              | [0, 16]  | 16",
                "F32  | [4611686018427387904] | [0, 0]   | 0",
                "F32  | [4294967296, 4294967296] | [0, 0] | 0",
                "F32  | [18446744073709551620] | [0, 16] | 16",
                "F32  | [4.5]                 | [0, 16]  | 16",
                "F32  | ['4']                 | [0, 16]  | 16",
                "F32  | [null]                | [0, 4]   | 4",
                "F32  | 4                     | [0, 16]  | 16",
                "F32  | {'a': 4}              | [0, 16]  | 16",
                "F32  | [4]                   | [0]      | 16",
                "F32  | [4]                   | [0, 16, 32] | 16",
                "F32  | [4]                   | 16       | 16",
                "F32  | [4]                   | {'a': 0, 'b': 16} | 16",
                "F32  | [4]                   | ['0', '16'] | 16",
                "F32  | [4]                   | [16, 0]  | 16",
                "F32  | [4]                   | [-16, 0] | 16",
                "F32  | [4]                   | [4, 20]  | 20",
                "F32  | [4]                   | [0, 18446744073709551632] | 16",
                "F32  | [4]                   | [18446744073709551616, 18446744073709551632] | 16",
                "F32  | [4]                   | [9223372036854775807, -9223372036854775793] | 16",
                "F8_E4M3 | [16]               | [0, 16]  | 16",
                "f32  | [4]                   | [0, 16]  | 16",
                "''   | [4]                   | [0, 16]  | 16",
            })
    void entryThatLiesIsRefusedByName(String dtype, String shape, String offsets, int bytes)
            throws Exception {
        Path path = file(entry(dtype == null ? "" : dtype, shape, offsets), bytes);
        assertBad(() -> open(path), path, "tensor t");
    }

    @ParameterizedTest
    @ValueSource(strings = {"5", "null", "[]", "'F32'", "{}"})
    void entryThatIsNoDescriptionIsRefusedByName(String value) throws Exception {
        Path path = file("{'t': %s}".formatted(value), 0);
        assertBad(() -> open(path), path, "tensor t");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[0, 8]  | [4, 12] | 12", // overlap
                "[0, 8]  | [0, 8]  | 8", // the same bytes twice
                "[0, 8]  | [9, 17] | 17", // a gap
                "[8, 16] | [0, 8]  | 17", // bytes that belong to none
            })
    void rangesThatOverlapOrLeaveAGapAreRefused(String first, String second, int bytes)
            throws Exception {
        Path path =
                file(
                        "{'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': %s}, 'b': {'dtype': 'F32', 'shape': [2], 'data_offsets': %s}}"
                                .formatted(first, second),
                        bytes);
        assertBad(() -> open(path), path, "expected");
    }

    /// Else the number of elements of each would be asked of a list of any length.
    @Test
    void shapeWithMoreDimensionsThanATensorHasIsRefused() throws Exception {
        String shape = "[%s1]".formatted("1, ".repeat(64));
        Path path = file(entry("U8", shape, "[0, 1]"), 1);
        assertBad(() -> open(path), path, "tensor t", "65 dimensions");
    }

    @Test
    void nameThatStandsTwiceIsRefused() throws Exception {
        String t = "'t': {'dtype': 'U8', 'shape': [1], 'data_offsets': [%d, %d]}";
        Path path = file("{%s, %s}".formatted(t.formatted(0, 1), t.formatted(0, 1)), 1);
        assertBad(() -> open(path), path, "'t'");
    }

    @Test
    void headerThatIsNotUtf8IsRefused() throws Exception {
        byte[] header =
                "{\"t\u00ff\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [0, 1]}}"
                        .getBytes(StandardCharsets.ISO_8859_1);
        Path path = raw(header.length, header, 1);
        assertBad(() -> open(path), path, "header");
    }
}
