package dev.graft.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Reads `config.json` as Transformers 4 and 5 write it.
final class ModelConfigReader {
    /// The values of `model_type` that Graft builds.
    static final List<String> SUPPORTED = List.of("llama");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path path;
    private final JsonNode root;

    private ModelConfigReader(Path path, JsonNode root) {
        this.path = path;
        this.root = root;
    }

    static ModelConfig read(Path path) {
        return open(path).config();
    }

    /// What the file says of codes; the head is not in codes unless it says which modules are not.
    static Optional<QuantizationConfig> codes(Path path) {
        JsonNode block = open(path).root.path("quantization_config");
        if (!block.isObject()) {
            return Optional.empty();
        }
        QuantizationConfig config = QuantizationConfig.read(path.toString(), block);
        return Optional.of(
                config.skipModules().isEmpty()
                        ? new QuantizationConfig(config.how(), List.of("lm_head"))
                        : config);
    }

    private static ModelConfigReader open(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new ConfigException(
                    path
                            + ": no such file; expected the config.json of a Hugging Face model folder");
        }
        try {
            return new ModelConfigReader(path, JSON.readTree(Files.readString(path)));
        } catch (JsonProcessingException e) {
            throw new ModelFormatException(path + ": not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ModelFormatException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private ModelConfig config() {
        String type = root.path("model_type").asText("");
        if (!SUPPORTED.contains(type)) {
            throw new ConfigException(
                    "%s: model_type '%s' is not supported; supported: %s"
                            .formatted(path, type, String.join(", ", SUPPORTED)));
        }
        String activation = root.path("hidden_act").asText("silu");
        if (!activation.equals("silu")) {
            throw new ConfigException(
                    "%s: hidden_act '%s' is not supported; supported: silu"
                            .formatted(path, activation));
        }
        if (root.hasNonNull("quantization_config")) {
            // refuses methods whose tensors would not be found
            var _ = QuantizationConfig.read(path.toString(), root.get("quantization_config"));
        }
        JsonNode dtype = root.hasNonNull("dtype") ? root.get("dtype") : root.path("torch_dtype");
        return new ModelConfig(
                type,
                positive("hidden_size"),
                positive("num_hidden_layers"),
                positive("intermediate_size"),
                positive("vocab_size"),
                root.path("max_position_embeddings").asInt(2048),
                root.path("rms_norm_eps").asDouble(1e-6),
                root.path("initializer_range").asDouble(0.02),
                root.path("tie_word_embeddings").asBoolean(false),
                root.path("mlp_bias").asBoolean(false),
                attention(),
                dtype.isTextual() ? DType.ofTorchName(dtype.asText()) : null);
    }

    private ModelConfig.AttentionShape attention() {
        int heads = positive("num_attention_heads");
        int keyHeads =
                root.hasNonNull("num_key_value_heads") ? positive("num_key_value_heads") : heads;
        if (heads % keyHeads != 0) {
            throw bad(
                    "num_attention_heads %d is not a multiple of num_key_value_heads %d"
                            .formatted(heads, keyHeads));
        }
        int hidden = positive("hidden_size");
        if (!root.hasNonNull("head_dim") && hidden % heads != 0) {
            throw bad(
                    "hidden_size %d is not a multiple of num_attention_heads %d, and there is no head_dim"
                            .formatted(hidden, heads));
        }
        int width = root.hasNonNull("head_dim") ? positive("head_dim") : hidden / heads;
        if (width % 2 != 0) {
            throw bad("the width of a head is %d, expected an even number".formatted(width));
        }
        JsonNode rope =
                root.hasNonNull("rope_parameters")
                        ? root.get("rope_parameters")
                        : root.path("rope_scaling");
        double theta =
                rope.hasNonNull("rope_theta")
                        ? rope.get("rope_theta").asDouble()
                        : root.path("rope_theta").asDouble(10000);
        return new ModelConfig.AttentionShape(
                heads,
                keyHeads,
                width,
                root.path("attention_bias").asBoolean(false),
                theta,
                scaling(rope));
    }

    private RopeScaling scaling(JsonNode rope) {
        if (rope.isMissingNode() || rope.isNull()) {
            return new RopeScaling.Default();
        }
        String type =
                rope.hasNonNull("rope_type")
                        ? rope.get("rope_type").asText()
                        : rope.path("type").asText("default");
        return switch (type) {
            case "default" -> new RopeScaling.Default();
            case "linear" -> new RopeScaling.Linear(number(rope, "factor"));
            case "llama3" ->
                    new RopeScaling.Llama3(
                            number(rope, "factor"),
                            number(rope, "low_freq_factor"),
                            number(rope, "high_freq_factor"),
                            number(rope, "original_max_position_embeddings"));
            default ->
                    throw new ConfigException(
                            "%s: rope type '%s' is not supported; supported: default, linear, llama3"
                                    .formatted(path, type));
        };
    }

    private double number(JsonNode node, String key) {
        if (!node.path(key).isNumber()) {
            throw bad("rope scaling has no number " + key);
        }
        return node.get(key).asDouble();
    }

    private int positive(String key) {
        JsonNode node = root.path(key);
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() <= 0) {
            throw bad(
                    "%s: found %s, expected a positive number"
                            .formatted(key, node.isMissingNode() ? "nothing" : node));
        }
        return node.asInt();
    }

    private ModelFormatException bad(String what) {
        return new ModelFormatException(path + ": " + what);
    }
}
