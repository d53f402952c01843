package dev.graft.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.graft.error.ModelFormatException;
import dev.graft.tensor.DType;
import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A safetensors file, mapped: 8 bytes of header length, a JSON header, then the tensors' bytes
/// (format of huggingface/safetensors). The header is checked whole before anything is read.
///
/// Tensors are views of the mapping and must not outlive this object.
public final class SafetensorsFile implements AutoCloseable {
    private static final long MAX_HEADER = 100_000_000; // the limit of the reference implementation
    private static final int MAX_DIMENSIONS = 64; // of a tensor of libtorch
    private static final ObjectMapper JSON =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private final Path path;
    private final Arena arena;
    private final MemorySegment memory;
    private Optional<FileBytes> unmapped = Optional.empty();
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private SafetensorsFile(Path path, Arena arena, MemorySegment memory) {
        this.path = path;
        this.arena = arena;
        this.memory = memory;
    }

    /// Maps the file and checks its header.
    ///
    /// @throws ModelFormatException if the file is missing, cut short, or not what its header says
    @SuppressWarnings("MustBeClosedChecker") // the file object owns the arena
    public static SafetensorsFile open(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new ModelFormatException(path + ": no such file, expected a safetensors file");
        }
        Arena arena = Arena.ofShared();
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            var memory = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            var file = new SafetensorsFile(path, arena, memory);
            file.readHeader();
            file.unmapped = FileBytes.open(path, memory.byteSize());
            return file;
        } catch (IOException e) {
            arena.close();
            throw new ModelFormatException(path + ": cannot be read: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    private void readHeader() {
        long size = memory.byteSize();
        if (size < 8) {
            throw bad(
                    "found %,d bytes, expected at least the 8 of the header length"
                            .formatted(size));
        }
        long length =
                memory.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
        if (length < 2 || length > MAX_HEADER || length > size - 8) {
            throw bad(
                    "the header claims %,d bytes of a file of %,d; the file is cut short or not safetensors: copy it again"
                            .formatted(length, size));
        }
        byte[] text = memory.asSlice(8, length).toArray(ValueLayout.JAVA_BYTE);
        JsonNode header;
        try {
            header = JSON.readTree(utf8(text));
        } catch (JsonProcessingException e) {
            throw new ModelFormatException(
                    path + ": the header is not JSON: " + firstLine(e.getOriginalMessage()), e);
        }
        if (header == null || !header.isObject()) {
            throw bad("the header is not a JSON object");
        }
        long data = 8 + length;
        header.properties().forEach(e -> readEntry(e.getKey(), e.getValue(), data));
        checkRanges(data);
    }

    /// Strict: a replaced character would be another name.
    private String utf8(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new ModelFormatException(path + ": the header is not UTF-8", e);
        }
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("");
    }

    private void readEntry(String name, JsonNode entry, long data) {
        if (name.equals("__metadata__")) {
            entry.properties().forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
            return;
        }
        DType dtype = DType.ofFileName(entry.path("dtype").asText());
        if (dtype == null) {
            throw bad(
                    "tensor %s: found dtype %s, which Graft does not read"
                            .formatted(name, entry.path("dtype")));
        }
        JsonNode range = entry.path("data_offsets");
        JsonNode dims = entry.path("shape");
        if (!dims.isArray()
                || !range.isArray()
                || range.size() != 2
                || !isLong(range.get(0))
                || !isLong(range.get(1))) {
            throw bad("tensor %s: the header has no shape or no data_offsets".formatted(name));
        }
        if (dims.size() > MAX_DIMENSIONS) {
            throw bad(
                    "tensor %s: the shape has %,d dimensions, expected at most %d"
                            .formatted(name, dims.size(), MAX_DIMENSIONS));
        }
        long[] shape = new long[dims.size()];
        for (int i = 0; i < shape.length; i++) {
            if (!isLong(dims.get(i)) || dims.get(i).asLong() < 0) {
                throw bad("tensor %s: the shape %s is not one".formatted(name, dims));
            }
            shape[i] = dims.get(i).asLong();
        }
        var info = new TensorInfo(name, dtype, shape, data + range.get(0).asLong());
        long bytes;
        try {
            bytes = Math.multiplyExact(info.elements(), dtype.bytes());
        } catch (ArithmeticException e) {
            throw new ModelFormatException(
                    "%s: tensor %s: the shape %s is too large".formatted(path, name, dims), e);
        }
        if (range.get(1).asLong() - range.get(0).asLong() != bytes) {
            throw bad(
                    "tensor %s: %s takes %,d bytes, data_offsets hold %,d"
                            .formatted(
                                    name,
                                    info.describe(),
                                    bytes,
                                    range.get(1).asLong() - range.get(0).asLong()));
        }
        tensors.put(name, info);
    }

    private static boolean isLong(JsonNode node) {
        return node.isIntegralNumber() && node.canConvertToLong();
    }

    /// The tensors' bytes follow one another without gap or overlap to the end of the file.
    private void checkRanges(long data) {
        List<TensorInfo> order = new ArrayList<>(tensors.values());
        order.sort(
                Comparator.comparingLong(TensorInfo::offset).thenComparingLong(TensorInfo::bytes));
        long end = data;
        for (TensorInfo t : order) {
            if (t.offset() != end) {
                throw bad(
                        "tensor %s: its bytes begin at %,d, expected %,d: ranges overlap or leave a gap"
                                .formatted(t.name(), t.offset(), end));
            }
            end += t.bytes();
        }
        if (end != memory.byteSize()) {
            throw bad(
                    "found %,d bytes, expected %,d: the file is cut short or damaged: copy it again"
                            .formatted(memory.byteSize(), end));
        }
    }

    private ModelFormatException bad(String what) {
        return new ModelFormatException(path + ": " + what);
    }

    public Path path() {
        return path;
    }

    /// Every tensor in the order of the header.
    public Map<String, TensorInfo> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    /// A read-only view of the tensor's mapped bytes, in the current scope.
    public Tensor tensor(String name) {
        TensorInfo info = tensors.get(name);
        if (info == null) {
            throw bad("has no tensor %s".formatted(name));
        }
        return Tensor.over(bytes(info), info.dtype(), info.shape());
    }

    /// The tensor's mapped bytes.
    public MemorySegment bytes(TensorInfo info) {
        return memory.asSlice(info.offset(), info.bytes());
    }

    /// The tensor's bytes, to be read rather than mapped; empty where the system cannot do that.
    public Optional<FileBytes> unmapped(TensorInfo info) {
        return unmapped.map(file -> file.part(info.offset(), info.bytes()));
    }

    @Override
    public void close() {
        unmapped.ifPresent(FileBytes::close);
        arena.close();
    }
}
