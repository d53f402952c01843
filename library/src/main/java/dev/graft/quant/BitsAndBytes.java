package dev.graft.quant;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.error.ModelFormatException;
import dev.graft.format.ModelFiles;
import dev.graft.format.SafetensorsWriter.Entry;
import dev.graft.format.TensorInfo;
import dev.graft.kernel.BlockMaxima;
import dev.graft.kernel.FourBitMatrix;
import dev.graft.kernel.Int8Matrix;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// Quantized matrices in the files of bitsandbytes (`QuantState.as_dict(packed=True)`,
/// `Linear8bitLt`).
///
/// Four bits: `weight` [⌈n/2⌉, 1], `weight.absmax`, `weight.quant_map`, with double quantization
/// `weight.nested_absmax` and `weight.nested_quant_map`, and a JSON object as the bytes of
/// `weight.quant_state.bitsandbytes__nf4` (or `__fp4`). Eight bits: `weight` I8, `SCB`,
/// `weight_format`.
public final class BitsAndBytes {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String STATE = ".weight.quant_state.bitsandbytes__";

    private BitsAndBytes() {}

    /// The tensors of a module, in the order in which bitsandbytes lists them.
    ///
    /// @param module path of the linear map, without `.weight`
    public static List<Entry> entries(String module, QuantizedTensor tensor) {
        String weight = module + ".weight";
        return switch (tensor.matrix()) {
            case FourBitMatrix m -> fourBit(weight, m, tensor);
            case Int8Matrix m ->
                    List.of(
                            Entry.of(weight, m.codes()),
                            Entry.of(module + ".SCB", m.maxima()),
                            entry(
                                    module + ".weight_format",
                                    DType.U8,
                                    () -> Tensor.zeros(DType.U8)));
        };
    }

    private static List<Entry> fourBit(String weight, FourBitMatrix m, QuantizedTensor tensor) {
        var how = (Quantization.FourBit) tensor.how();
        List<Entry> entries = new ArrayList<>();
        long bytes = m.codes().numel();
        entries.add(entry(weight, DType.U8, () -> m.codes().view(bytes, 1), bytes, 1));
        switch (m.maxima()) {
            case BlockMaxima.Plain(Tensor values) -> {
                entries.add(Entry.of(weight + ".absmax", values));
                entries.add(Entry.of(weight + ".quant_map", m.table()));
            }
            case BlockMaxima.Nested n -> {
                entries.add(Entry.of(weight + ".absmax", n.codes()));
                entries.add(Entry.of(weight + ".quant_map", m.table()));
                entries.add(Entry.of(weight + ".nested_absmax", n.maxima()));
                entries.add(Entry.of(weight + ".nested_quant_map", n.table()));
            }
        }
        int[] state = bytes(state(m, how, tensor.source()));
        entries.add(
                entry(
                        weight + ".quant_state.bitsandbytes__" + how.code().fileName(),
                        DType.U8,
                        () -> Tensor.of(state).to(DType.U8),
                        state.length));
        return entries;
    }

    private static Entry entry(String name, DType dtype, Supplier<Tensor> source, long... shape) {
        return new Entry(name, dtype, shape, source);
    }

    private static int[] bytes(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] result = new int[bytes.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = bytes[i] & 0xff;
        }
        return result;
    }

    /// The JSON object as Python's `json.dumps` prints it.
    static String state(FourBitMatrix m, Quantization.FourBit how, DType source) {
        String text =
                "\"quant_type\": \"%s\", \"blocksize\": %d, \"dtype\": \"%s\", \"shape\": [%d, %d]"
                        .formatted(
                                how.code().fileName(),
                                m.blockSize(),
                                source.torchName(),
                                m.out(),
                                m.in());
        if (m.maxima() instanceof BlockMaxima.Nested n) {
            text +=
                    ", \"nested_blocksize\": %d, \"nested_dtype\": \"float32\", \"nested_offset\": %s"
                            .formatted(BlockMaxima.Nested.SIZE, python(n.offset()));
        }
        return "{" + text + "}";
    }

    /// A float as Python prints the double that holds it.
    static String python(float value) {
        double d = value;
        String text = Double.toString(d);
        int e = text.indexOf('E');
        if (e < 0) {
            return text;
        }
        int exponent = Integer.parseInt(text.substring(e + 1));
        if (exponent >= -4 && exponent < 16) {
            return new java.math.BigDecimal(text).toPlainString();
        }
        String digits = text.substring(0, e);
        String mantissa = digits.endsWith(".0") ? digits.substring(0, digits.length() - 2) : digits;
        return "%se%s%02d".formatted(mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
    }

    /// The matrix of a module, if it is stored in codes; views of the mapped file.
    ///
    /// @throws ModelFormatException if its tensors are incomplete or do not fit each other
    public static Optional<QuantizedTensor> read(
            ModelFiles files, String module, long out, long in) {
        for (FourBitCode code : FourBitCode.values()) {
            if (files.has(module + STATE + code.fileName())) {
                return Optional.of(new Reader(files, module, out, in).fourBit(code));
            }
        }
        return files.has(module + ".SCB")
                ? Optional.of(new Reader(files, module, out, in).int8())
                : Optional.empty();
    }

    /// Whether a checkpoint has matrices in codes.
    public static boolean isIn(ModelFiles files) {
        return files.files().stream()
                .flatMap(f -> f.tensors().keySet().stream())
                .anyMatch(BitsAndBytes::isConstant);
    }

    /// Whether a tensor is a part of a matrix in codes, beside its `weight`.
    public static boolean isConstant(String name) {
        return name.contains(".weight.quant_state.")
                || name.endsWith(".weight.absmax")
                || name.endsWith(".weight.quant_map")
                || name.endsWith(".weight.nested_absmax")
                || name.endsWith(".weight.nested_quant_map")
                || name.endsWith(".SCB")
                || name.endsWith(".weight_format");
    }

    /// Reads the tensors of one module.
    private record Reader(ModelFiles files, String module, long out, long in) {
        QuantizedTensor fourBit(FourBitCode code) {
            JsonNode state = state(code);
            if (!state.path("quant_type").asText().equals(code.fileName())) {
                throw bad("quant_type is %s, the key says %s", state.path("quant_type"), code);
            }
            JsonNode shape = state.path("shape");
            if (shape.size() != 2 || shape.get(0).asLong() != out || shape.get(1).asLong() != in) {
                throw bad("shape %s, config.json says [%d, %d]", shape, out, in);
            }
            int blockSize = state.path("blocksize").asInt();
            if (!Quantization.FourBit.BLOCK_SIZES.contains(blockSize)) {
                throw bad(
                        "blocksize %s, expected one of %s",
                        state.path("blocksize"), Quantization.FourBit.BLOCK_SIZES);
            }
            Tensor table = tensor(".weight.quant_map", DType.F32, 16);
            try (var _ = Scope.open("table", table.device())) {
                if (!table.sameAs(code.table())) {
                    throw bad("quant_map is not that of %s", code.fileName());
                }
            }
            long n = out * in;
            boolean nested = files.has(module + ".weight.nested_absmax");
            var matrix =
                    new FourBitMatrix(
                            codes((n + 1) / 2),
                            maxima(state, nested, Math.ceilDiv(n, blockSize)),
                            table,
                            blockSize,
                            out,
                            in);
            var how = new Quantization.FourBit(code, blockSize, nested);
            return new QuantizedTensor(
                    matrix, how, DType.ofTorchName(state.path("dtype").asText()));
        }

        private JsonNode state(FourBitCode code) {
            String name = module + STATE + code.fileName();
            byte[] text = files.bytes(name).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
            try {
                return JSON.readTree(new String(text, StandardCharsets.UTF_8));
            } catch (JsonProcessingException e) {
                throw new ModelFormatException(
                        "%s: tensor %s is not JSON: %s"
                                .formatted(files.path(name), name, e.getOriginalMessage()),
                        e);
            }
        }

        /// The packed codes as bytes, whatever type they are stored as (`bnb_4bit_quant_storage`).
        private Tensor codes(long bytes) {
            String name = module + ".weight";
            TensorInfo info = files.info(name);
            if (info.bytes() < bytes || info.bytes() - bytes >= info.dtype().bytes()) {
                throw bad("weight is %s, expected %,d bytes", info.describe(), bytes);
            }
            return Tensor.over(files.bytes(name).asSlice(0, bytes), DType.U8, bytes);
        }

        private BlockMaxima maxima(JsonNode state, boolean nested, long blocks) {
            if (!nested) {
                return new BlockMaxima.Plain(tensor(".weight.absmax", DType.F32, blocks));
            }
            if (state.path("nested_blocksize").asInt() != BlockMaxima.Nested.SIZE
                    || !state.path("nested_offset").isNumber()) {
                throw bad(
                        "nested_blocksize %s and nested_offset %s, expected %d and a number",
                        state.path("nested_blocksize"),
                        state.path("nested_offset"),
                        BlockMaxima.Nested.SIZE);
            }
            return new BlockMaxima.Nested(
                    tensor(".weight.absmax", DType.U8, blocks),
                    tensor(
                            ".weight.nested_absmax",
                            DType.F32,
                            Math.ceilDiv(blocks, BlockMaxima.Nested.SIZE)),
                    tensor(".weight.nested_quant_map", DType.F32, 256),
                    state.get("nested_offset").floatValue());
        }

        QuantizedTensor int8() {
            String format = module + ".weight_format";
            if (files.has(format) && files.tensor(format).item() != 0) {
                throw bad("weight_format is not 0: only rows as they are can be read");
            }
            Tensor codes = tensor(".weight", DType.I8, out, in);
            Tensor maxima = tensor(".SCB", DType.F32, out);
            return new QuantizedTensor(
                    new Int8Matrix(codes, maxima), new Quantization.Int8(), DType.F16);
        }

        private Tensor tensor(String suffix, DType dtype, long... shape) {
            TensorInfo info = files.info(module + suffix);
            if (info.dtype() != dtype || !Arrays.equals(info.shape(), shape)) {
                throw bad(
                        "%s is %s, expected %s%s",
                        suffix.substring(1), info.describe(), dtype, Arrays.toString(shape));
            }
            return files.tensor(module + suffix);
        }

        @SuppressWarnings("AnnotateFormatMethod")
        private ModelFormatException bad(String pattern, Object... values) {
            return new ModelFormatException(
                    "%s: %s: %s"
                            .formatted(
                                    files.path(module + ".weight"),
                                    module,
                                    pattern.formatted(values)));
        }
    }
}
