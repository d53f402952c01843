package dev.graft.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.model.Family.Biases;
import dev.graft.model.Family.Projections;
import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Reads `config.json` as Transformers 4 and 5 write it.
final class ModelConfigReader {
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
        ConfigJson file = new ConfigJson(path, root);
        Family family = Families.of(file);
        boolean isPart = root.path("text_config").isObject();
        ConfigJson config =
                (isPart ? new ConfigJson(path, root.get("text_config")) : file)
                        .withDefaults(family.defaults(), Families.PARTICULAR);
        refuseWhatIsNotComputed(config);
        int hidden = config.positive("hidden_size");
        int layers = layers(config, family);
        var attention = attention(config, family, hidden);
        var ropes =
                new RopeReader(config, attention.headWidth(), family.theta(), family.neighbours());
        return new ModelConfig(
                file.text("model_type", ""),
                hidden,
                layers,
                config.positive("intermediate_size"),
                config.positive("vocab_size"),
                config.positive("max_position_embeddings", 2048),
                config.number("rms_norm_eps", 1e-6),
                family.gemma() ? 1 : 0,
                config.number("initializer_range", 0.02),
                tied(file, config, isPart),
                attention,
                new FeedForwardShape(
                        Families.activation(config, family),
                        config.flag("mlp_bias", config.flag("use_bias", false)),
                        family.projections() != Projections.APART,
                        family.experts()),
                family.norms(),
                multipliers(config, family, hidden),
                new LayerKinds(config, family, ropes).read(layers),
                isPart ? TensorNames.MULTIMODAL : TensorNames.PLAIN,
                storedType(isPart ? List.of(root, config.root()) : List.of(root)));
    }

    /// Every layer and every expert is described before a weight is read, so their number is
    /// bounded; the largest models have some ten thousand experts in all.
    private static int layers(ConfigJson config, Family family) {
        int layers = config.positive("num_hidden_layers");
        long experts = family.experts() == null ? 1 : family.experts().count();
        if (layers * experts > 100_000) {
            throw config.bad(
                    "num_hidden_layers %,d with %,d experts each is more than any model has; expected at most 100,000 in all"
                            .formatted(layers, experts));
        }
        if (family.experts() != null && family.experts().perToken() > experts) {
            throw config.bad(
                    "num_experts_per_tok %d is more than the %d experts"
                            .formatted(family.experts().perToken(), experts));
        }
        return layers;
    }

    /// What holds the decoder decides, and ties if it says nothing.
    private static boolean tied(ConfigJson file, ConfigJson config, boolean isPart) {
        String key = "tie_word_embeddings";
        return isPart ? file.flag(key, true) : config.flag(key, false);
    }

    private void refuseWhatIsNotComputed(ConfigJson config) {
        for (JsonNode architecture : root.path("architectures")) {
            if (architecture.asText().matches(".*For(\\w+Classification|QuestionAnswering)")) {
                throw config.unsupported(
                        "architectures: %s has no head of tokens, which is what Graft trains; expected one such as LlamaForCausalLM"
                                .formatted(architecture.asText()));
            }
        }
        if (root.hasNonNull("quantization_config")) {
            // refuses methods whose tensors would not be found
            var _ = QuantizationConfig.read(path.toString(), root.get("quantization_config"));
        }
        if (config.flag("use_bidirectional_attention", false)) {
            throw config.unsupported(
                    "use_bidirectional_attention: true is not supported; a decoder sees what lies before a token");
        }
        if (config.number("clip_qkv", 0) != 0) {
            throw config.unsupported(
                    "clip_qkv: %s is not supported; only models whose queries, keys and values are not clipped"
                            .formatted(config.node("clip_qkv")));
        }
    }

    private static DType storedType(List<JsonNode> places) {
        for (JsonNode place : places) {
            JsonNode dtype = place.path(place.hasNonNull("dtype") ? "dtype" : "torch_dtype");
            if (dtype.isTextual()) {
                return DType.ofTorchName(dtype.asText());
            }
        }
        return null;
    }

    private static ModelConfig.AttentionShape attention(
            ConfigJson config, Family family, int hidden) {
        int heads = config.positive("num_attention_heads");
        int keyHeads = config.positive("num_key_value_heads", heads);
        if (heads % keyHeads != 0) {
            throw config.bad(
                    "num_attention_heads %d is not a multiple of num_key_value_heads %d"
                            .formatted(heads, keyHeads));
        }
        if (!config.has("head_dim") && hidden % heads != 0) {
            throw config.bad(
                    "hidden_size %d is not a multiple of num_attention_heads %d, and there is no head_dim"
                            .formatted(hidden, heads));
        }
        int width = config.positive("head_dim", hidden / heads);
        if (width % 2 != 0) {
            throw config.bad("the width of a head is %d, expected an even number".formatted(width));
        }
        boolean declared =
                config.flag(config.has("use_bias") ? "use_bias" : "attention_bias", false);
        boolean bias =
                switch (family.biases()) {
                    case NONE -> false;
                    case DECLARED, QKV_DECLARED -> declared;
                    case QKV -> true;
                };
        double scale = 1 / Math.sqrt(config.number("query_pre_attn_scalar", width));
        return new ModelConfig.AttentionShape(
                heads,
                keyHeads,
                width,
                bias,
                family.biases() == Biases.DECLARED
                        ? bias
                        : config.flag("attention_out_bias", false),
                family.projections() == Projections.FUSED,
                family.queryKeyNorm(),
                config.number("attention_multiplier", scale),
                config.number("attn_logit_softcapping", 0));
    }

    private static Multipliers multipliers(ConfigJson config, Family family, int hidden) {
        return new Multipliers(
                family.gemma() ? Math.sqrt(hidden) : config.number("embedding_multiplier", 1),
                family.gemma(),
                config.number("residual_multiplier", 1),
                1 / config.number("logits_scaling", 1),
                config.number("final_logit_softcapping", 0));
    }
}
