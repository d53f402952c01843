package dev.graft.format;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.disk.AtomicFile;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// Writes a safetensors file tensor by tensor, so that no more than one is in memory; the file
/// appears whole or not at all.
public final class SafetensorsWriter {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int CHUNK = 64 << 20;

    /// A tensor to write and where its values come from; the source is asked once, inside a scope
    /// of its own.
    public record Entry(String name, DType dtype, long[] shape, Supplier<Tensor> source) {
        public Entry {
            shape = shape.clone();
        }

        /// Size in the file.
        public long bytes() {
            long n = dtype.bytes();
            for (long d : shape) {
                n *= d;
            }
            return n;
        }

        /// An entry for a tensor that exists.
        public static Entry of(String name, Tensor tensor) {
            return new Entry(name, tensor.dtype(), tensor.shape(), () -> tensor);
        }
    }

    private SafetensorsWriter() {}

    /// Writes the entries in their order.
    ///
    /// @param metadata strings for `__metadata__`; Transformers wants `format: pt`
    public static void write(Path file, List<Entry> entries, Map<String, String> metadata) {
        ByteBuffer header = header(entries, metadata);
        AtomicFile.write(
                file,
                channel -> {
                    writeFully(channel, header);
                    for (Entry entry : entries) {
                        try (var _ = Scope.open("writing " + entry.name())) {
                            writeTensor(channel, entry);
                        }
                    }
                });
    }

    private static ByteBuffer header(List<Entry> entries, Map<String, String> metadata) {
        ObjectNode root = JSON.createObjectNode();
        if (!metadata.isEmpty()) {
            ObjectNode node = root.putObject("__metadata__");
            metadata.forEach(node::put);
        }
        long offset = 0;
        for (Entry entry : entries) {
            ObjectNode node = root.putObject(entry.name());
            node.put("dtype", entry.dtype().fileName());
            var shape = node.putArray("shape");
            for (long d : entry.shape()) {
                shape.add(d);
            }
            node.putArray("data_offsets").add(offset).add(offset + entry.bytes());
            offset += entry.bytes();
        }
        byte[] json = root.toString().getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + 7) / 8 * 8; // the reference implementation aligns the data
        ByteBuffer buffer = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(padded).put(json);
        while (buffer.hasRemaining()) {
            buffer.put((byte) ' ');
        }
        return buffer.flip();
    }

    private static void writeTensor(FileChannel channel, Entry entry) throws IOException {
        Tensor source = entry.source().get().to(entry.dtype());
        Tensor tensor = source.to(Device.CPU).contiguous();
        MemorySegment bytes = tensor.segment();
        if (bytes.byteSize() != entry.bytes()) {
            throw new IllegalStateException(
                    "%s: announced %,d bytes, got %s"
                            .formatted(entry.name(), entry.bytes(), tensor.describe()));
        }
        for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
            long length = Math.min(CHUNK, bytes.byteSize() - at);
            writeFully(channel, bytes.asSlice(at, length).asByteBuffer());
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
