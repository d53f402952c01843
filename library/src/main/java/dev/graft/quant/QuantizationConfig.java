package dev.graft.quant;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.List;

/// The block `quantization_config` of a `config.json`, as Transformers writes it for bitsandbytes.
///
/// @param how the matrices are stored
/// @param skipModules names of modules that stay as they were (`llm_int8_skip_modules`)
public record QuantizationConfig(Quantization how, List<String> skipModules) {
    private static final ObjectMapper JSON = new ObjectMapper();

    public QuantizationConfig {
        skipModules = List.copyOf(skipModules);
    }

    /// Reads the block.
    ///
    /// @param where for messages
    /// @throws ConfigException if the checkpoint was quantized by a method that Graft does not read
    public static QuantizationConfig read(String where, JsonNode block) {
        String method = block.path("quant_method").asText("");
        boolean four = flag(block, "load_in_4bit");
        boolean eight = flag(block, "load_in_8bit");
        if (!(method.isEmpty() || method.equals("bitsandbytes")) || four == eight) {
            throw new ConfigException(
                    "%s: quantization_config: the checkpoint is quantized by '%s', which Graft does not read; supported: bitsandbytes with load_in_4bit or load_in_8bit; use the 16-bit checkpoint with load_in_4bit: true"
                            .formatted(where, method.isEmpty() ? block : method));
        }
        List<String> skip = new ArrayList<>();
        block.path("llm_int8_skip_modules").forEach(n -> skip.add(n.asText()));
        return new QuantizationConfig(four ? fourBit(where, block) : new Quantization.Int8(), skip);
    }

    private static boolean flag(JsonNode block, String key) {
        return block.path(key).asBoolean(block.path("_" + key).asBoolean(false));
    }

    private static Quantization fourBit(String where, JsonNode block) {
        String type = block.path("bnb_4bit_quant_type").asText("fp4");
        for (FourBitCode code : FourBitCode.values()) {
            if (code.fileName().equals(type)) {
                return new Quantization.FourBit(
                        code, 64, block.path("bnb_4bit_use_double_quant").asBoolean(false));
            }
        }
        throw new ConfigException(
                "%s: bnb_4bit_quant_type: found '%s', expected nf4 or fp4".formatted(where, type));
    }

    /// The block as Transformers writes it.
    public ObjectNode toJson() {
        boolean eight = how instanceof Quantization.Int8;
        ObjectNode block = JSON.createObjectNode();
        block.put("_load_in_4bit", !eight);
        block.put("_load_in_8bit", eight);
        block.put("bnb_4bit_compute_dtype", "float32");
        block.put("bnb_4bit_quant_storage", "uint8");
        switch (how) {
            case Quantization.FourBit f -> {
                block.put("bnb_4bit_quant_type", f.code().fileName());
                block.put("bnb_4bit_use_double_quant", f.doubleQuant());
            }
            case Quantization.Int8 _ -> {
                block.put("bnb_4bit_quant_type", "fp4");
                block.put("bnb_4bit_use_double_quant", false);
            }
        }
        block.put("llm_int8_enable_fp32_cpu_offload", false);
        block.put("llm_int8_has_fp16_weight", false);
        if (skipModules.isEmpty()) {
            block.putNull("llm_int8_skip_modules");
        } else {
            var skip = block.putArray("llm_int8_skip_modules");
            skipModules.forEach(skip::add);
        }
        block.put("llm_int8_threshold", 6.0);
        block.put("load_in_4bit", !eight);
        block.put("load_in_8bit", eight);
        block.put("quant_method", "bitsandbytes");
        return block;
    }

    /// Whether a module is left as it was: named whole, by its last parts or by its first.
    public boolean skips(String module) {
        return skipModules.stream()
                .anyMatch(
                        s ->
                                module.equals(s)
                                        || module.endsWith("." + s)
                                        || module.startsWith(s + "."));
    }
}
