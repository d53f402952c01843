package dev.graft.plan;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout;
import dev.graft.quant.DynamicMap;
import dev.graft.quant.FourBitCode;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// The folder of a model of any size whose numbers are zeros: a file with holes, which takes no
/// room on a disk.
final class SparseModel {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int BLOCK = 64;
    private static final int NESTED_BLOCK = 256;

    /// @param content null for zeros
    private record Entry(String name, DType dtype, long[] shape, byte[] content) {
        long bytes() {
            long bytes = dtype.bytes();
            for (long d : shape) {
                bytes *= d;
            }
            return bytes;
        }
    }

    private final List<Entry> entries = new ArrayList<>();
    private final UnaryOperator<String> fileNames;

    private SparseModel(ModelConfig config, boolean fourBit) {
        fileNames = config.names().fresh();
        ModelLayout layout = ModelLayout.of(config);
        matrix(layout.embedding(), false);
        for (ModelLayout.Matrix m : layout.linears()) {
            boolean head = m.equals(layout.head());
            if (!head || !config.tiedEmbeddings()) {
                matrix(m, fourBit && !head);
            }
        }
        for (ModelLayout.Vector norm : layout.norms()) {
            plain(norm.path() + ".weight", norm.length());
        }
    }

    /// Writes `config.json` and `model.safetensors`.
    ///
    /// @param config its text
    /// @param fourBit whether the layers' matrices are in NF4 with double quantization, as
    ///     bitsandbytes writes them, else bfloat16
    static Path write(Path folder, String config, boolean fourBit) throws IOException {
        var root = (ObjectNode) JSON.readTree(config);
        root.put("torch_dtype", "bfloat16");
        if (fourBit) {
            root.putObject("quantization_config")
                    .put("quant_method", "bitsandbytes")
                    .put("load_in_4bit", true)
                    .put("bnb_4bit_quant_type", "nf4")
                    .put("bnb_4bit_use_double_quant", true)
                    .put("bnb_4bit_compute_dtype", "bfloat16")
                    .put("bnb_4bit_quant_storage", "uint8")
                    .putArray("llm_int8_skip_modules")
                    .add("lm_head");
        }
        Files.writeString(folder.resolve("config.json"), root.toString());
        var model = new SparseModel(ModelConfig.read(folder), fourBit);
        model.write(folder.resolve("model.safetensors"));
        return folder;
    }

    private void matrix(ModelLayout.Matrix m, boolean fourBit) {
        String name = m.path() + ".weight";
        if (fourBit) {
            codes(name, m);
        } else {
            plain(name, m.out(), m.in());
        }
        if (m.bias()) {
            plain(m.path() + ".bias", m.out());
        }
    }

    private void plain(String name, long... shape) {
        entries.add(new Entry(fileNames.apply(name), DType.BF16, shape, null));
    }

    private void codes(String name, ModelLayout.Matrix m) {
        long blocks = Math.ceilDiv(m.elements(), BLOCK);
        long outer = Math.ceilDiv(blocks, NESTED_BLOCK);
        ObjectNode state =
                JSON.createObjectNode()
                        .put("quant_type", "nf4")
                        .put("blocksize", BLOCK)
                        .put("dtype", "bfloat16")
                        .put("nested_blocksize", NESTED_BLOCK)
                        .put("nested_dtype", "float32")
                        .put("nested_offset", 0.05);
        state.putArray("shape").add(m.out()).add(m.in());
        String at = fileNames.apply(name);
        entries.add(new Entry(at, DType.U8, new long[] {m.elements() / 2, 1}, null));
        entries.add(new Entry(at + ".absmax", DType.U8, new long[] {blocks}, null));
        floats(at + ".quant_map", values(FourBitCode.NF4));
        entries.add(new Entry(at + ".nested_absmax", DType.F32, new long[] {outer}, null));
        floats(at + ".nested_quant_map", DynamicMap.signed());
        byte[] text = state.toString().getBytes(StandardCharsets.UTF_8);
        String key = at + ".quant_state.bitsandbytes__nf4";
        entries.add(new Entry(key, DType.U8, new long[] {text.length}, text));
    }

    private static float[] values(FourBitCode code) {
        try (var _ = Scope.open("table", Device.CPU)) {
            return code.table().toFloats();
        }
    }

    private void floats(String name, float[] values) {
        var bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        entries.add(new Entry(name, DType.F32, new long[] {values.length}, bytes.array()));
    }

    private void write(Path file) throws IOException {
        ObjectNode root = JSON.createObjectNode();
        long offset = 0;
        for (Entry e : entries) {
            ObjectNode node = root.putObject(e.name()).put("dtype", e.dtype().fileName());
            var shape = node.putArray("shape");
            for (long d : e.shape()) {
                shape.add(d);
            }
            node.putArray("data_offsets").add(offset).add(offset + e.bytes());
            offset += e.bytes();
        }
        byte[] json = root.toString().getBytes(StandardCharsets.UTF_8);
        var size = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        try (var channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.SPARSE)) {
            channel.write(size.putLong(json.length).flip(), 0);
            channel.write(ByteBuffer.wrap(json), Long.BYTES);
            long at = (long) Long.BYTES + json.length;
            for (Entry e : entries) {
                if (e.content() != null) {
                    channel.write(ByteBuffer.wrap(e.content()), at);
                }
                at += e.bytes();
            }
            channel.write(ByteBuffer.wrap(new byte[1]), at - 1); // the last zero gives it its size
        }
    }
}
