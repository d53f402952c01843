package dev.graft.model;

import static java.util.Map.entry;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.kernel.Activation;
import dev.graft.model.Family.Biases;
import dev.graft.model.Family.Projections;
import dev.graft.model.FeedForwardShape.Experts;
import dev.graft.model.LayerKinds.Windows;
import java.util.List;
import java.util.Map;

/// What is particular to each family of models, as data; the one place that knows `model_type`.
///
/// Sources: `configuration_*.py` and `modeling_*.py` of Transformers 5.18.
final class Families {
    /// The values of `model_type` that Graft builds.
    static final List<String> SUPPORTED =
            List.of(
                    "llama",
                    "mistral",
                    "qwen2",
                    "qwen3",
                    "gemma",
                    "gemma2",
                    "gemma3_text",
                    "gemma3",
                    "phi3",
                    "smollm3",
                    "granite",
                    "olmo2",
                    "mixtral",
                    "qwen3_moe",
                    "glm",
                    "glm4",
                    "olmo3",
                    "olmoe",
                    "helium",
                    "ernie4_5",
                    "seed_oss",
                    "ministral");

    /// Keys that count where a family's defaults have them: Transformers passes over them in the
    /// configs of other families.
    static final List<String> PARTICULAR =
            List.of(
                    "partial_rotary_factor",
                    "rope_local_base_freq",
                    "mlp_bias",
                    "use_bias",
                    "attention_out_bias",
                    "clip_qkv",
                    "hidden_activation",
                    "sliding_window_pattern",
                    "mlp_only_layers",
                    "decoder_sparse_step",
                    "query_pre_attn_scalar",
                    "attn_logit_softcapping",
                    "final_logit_softcapping",
                    "embedding_multiplier",
                    "attention_multiplier",
                    "residual_multiplier",
                    "logits_scaling");

    private Families() {}

    static Family of(ConfigJson config) {
        String type = config.text("model_type", "");
        return switch (type) {
            case "llama" ->
                    Family.like(Biases.DECLARED, QueryKeyNorm.NONE, Windows.NONE)
                            .with(Map.of("mlp_bias", false), 10000);
            case "mistral" -> mistral(Windows.EVERY);
            case "ministral" -> mistral(Windows.LISTED);
            case "qwen2" ->
                    Family.like(Biases.QKV, QueryKeyNorm.NONE, Windows.LAST_LAYERS)
                            .with(
                                    Map.ofEntries(
                                            entry("num_key_value_heads", 32),
                                            entry("max_position_embeddings", 32_768)),
                                    10000);
            case "qwen3" ->
                    Family.like(Biases.DECLARED, QueryKeyNorm.HEAD, Windows.LAST_LAYERS)
                            .with(
                                    Map.ofEntries(
                                            entry("head_dim", 128),
                                            entry("num_key_value_heads", 32),
                                            entry("max_position_embeddings", 32_768)),
                                    10000);
            case "gemma" ->
                    Family.gemma(
                            Map.ofEntries(
                                    entry("head_dim", 256),
                                    entry("num_key_value_heads", 16),
                                    entry("max_position_embeddings", 8192),
                                    entry("tie_word_embeddings", true),
                                    entry("hidden_act", "gelu_pytorch_tanh")),
                            10000,
                            NormPlacement.PRE,
                            QueryKeyNorm.NONE,
                            Windows.NONE);
            case "gemma2" -> gemma2();
            case "gemma3_text", "gemma3" -> gemma3();
            case "phi3" -> phi3();
            case "smollm3" -> smolLm3();
            case "granite" -> granite();
            case "olmo2" ->
                    Family.like(Biases.DECLARED, QueryKeyNorm.WIDTH, Windows.NONE)
                            .with(Map.of("rms_norm_eps", 1e-5), 10000)
                            .with(NormPlacement.POST);
            case "olmo3" -> olmo3();
            case "olmoe" -> olmoe(config);
            case "mixtral" -> mixtral(config);
            case "qwen3_moe" -> qwen3Moe(config);
            case "glm" -> glm(NormPlacement.PRE);
            case "glm4" -> glm(NormPlacement.SANDWICH_GLM);
            case "helium" -> helium();
            case "ernie4_5" -> ernie();
            case "seed_oss" -> seed();
            default ->
                    throw config.unsupported(
                            "%s is not supported; supported: %s"
                                    .formatted(
                                            type.isEmpty()
                                                    ? withoutType(config)
                                                    : "model_type '" + type + "'",
                                            String.join(", ", SUPPORTED)));
        };
    }

    private static String withoutType(ConfigJson config) {
        JsonNode architectures = config.node("architectures");
        return "a config without model_type"
                + (architectures.isEmpty() ? "" : " (architectures: %s)".formatted(architectures));
    }

    private static Family mistral(Windows windows) {
        return Family.like(Biases.NONE, QueryKeyNorm.NONE, windows)
                .with(
                        Map.ofEntries(
                                entry("num_key_value_heads", 8),
                                entry("max_position_embeddings", 131_072),
                                entry("sliding_window", 4096)),
                        10000);
    }

    private static Family gemma2() {
        return Family.gemma(
                Map.ofEntries(
                        entry("head_dim", 256),
                        entry("num_key_value_heads", 4),
                        entry("max_position_embeddings", 8192),
                        entry("tie_word_embeddings", true),
                        entry("hidden_activation", "gelu_pytorch_tanh"),
                        entry("query_pre_attn_scalar", 256),
                        entry("sliding_window", 4096),
                        entry("attn_logit_softcapping", 50.0),
                        entry("final_logit_softcapping", 30.0)),
                10000,
                NormPlacement.SANDWICH,
                QueryKeyNorm.NONE,
                Windows.ALTERNATING);
    }

    /// The released files of Gemma 3 leave out most keys of their text part.
    private static Family gemma3() {
        return Family.gemma(
                Map.ofEntries(
                        entry("vocab_size", 262_208),
                        entry("hidden_size", 2304),
                        entry("intermediate_size", 9216),
                        entry("num_hidden_layers", 26),
                        entry("num_attention_heads", 8),
                        entry("num_key_value_heads", 4),
                        entry("head_dim", 256),
                        entry("max_position_embeddings", 131_072),
                        entry("tie_word_embeddings", true),
                        entry("hidden_activation", "gelu_pytorch_tanh"),
                        entry("query_pre_attn_scalar", 256),
                        entry("final_logit_softcapping", 0),
                        entry("sliding_window", 4096),
                        entry("sliding_window_pattern", 6),
                        entry("rope_local_base_freq", 10000)),
                1e6,
                NormPlacement.SANDWICH,
                QueryKeyNorm.HEAD,
                Windows.ALTERNATING);
    }

    private static Family phi3() {
        return new Family(
                Map.ofEntries(
                        entry("rms_norm_eps", 1e-5),
                        entry("num_key_value_heads", 32),
                        entry("max_position_embeddings", 4096),
                        entry("original_max_position_embeddings", 4096),
                        entry("partial_rotary_factor", 1.0)),
                10000,
                Biases.NONE,
                Projections.FUSED,
                NormPlacement.PRE,
                QueryKeyNorm.NONE,
                false,
                false,
                Windows.EVERY,
                null);
    }

    private static Family smolLm3() {
        return Family.like(Biases.DECLARED, QueryKeyNorm.NONE, Windows.NOT_ROTATED)
                .with(
                        Map.ofEntries(
                                entry("num_key_value_heads", 4),
                                entry("max_position_embeddings", 32_768),
                                entry("tie_word_embeddings", true),
                                entry("mlp_bias", false)),
                        2e6);
    }

    private static Family granite() {
        return Family.like(Biases.DECLARED, QueryKeyNorm.NONE, Windows.NONE)
                .with(
                        Map.ofEntries(
                                entry("mlp_bias", false),
                                entry("embedding_multiplier", 1.0),
                                entry("attention_multiplier", 1.0),
                                entry("residual_multiplier", 1.0),
                                entry("logits_scaling", 1.0)),
                        10000);
    }

    /// OLMo 2 with windows; layers that have one do not scale their rotary embedding.
    private static Family olmo3() {
        return Family.like(Biases.DECLARED, QueryKeyNorm.WIDTH, Windows.ALTERNATING)
                .with(
                        Map.ofEntries(
                                entry("rms_norm_eps", 1e-5),
                                entry("sliding_window", 4096),
                                entry("sliding_window_pattern", 4),
                                entry("rope_local_base_freq", 5e5)),
                        5e5)
                .with(NormPlacement.POST);
    }

    private static Family olmoe(ConfigJson config) {
        return Family.like(Biases.DECLARED, QueryKeyNorm.WIDTH, Windows.NONE)
                .with(
                        Map.ofEntries(
                                entry("rms_norm_eps", 1e-5),
                                entry("max_position_embeddings", 4096),
                                entry("clip_qkv", 0)),
                        10000)
                .with(
                        new Experts(
                                config.positive("num_experts", 64),
                                config.positive("num_experts_per_tok", 8),
                                config.positive("intermediate_size", 2048),
                                config.flag("norm_topk_prob", false),
                                "mlp",
                                "gate_proj",
                                "up_proj",
                                "down_proj"));
    }

    private static Family mixtral(ConfigJson config) {
        return Family.like(Biases.NONE, QueryKeyNorm.NONE, Windows.EVERY)
                .with(
                        Map.ofEntries(
                                entry("rms_norm_eps", 1e-5),
                                entry("num_key_value_heads", 8),
                                entry("max_position_embeddings", 131_072)),
                        1e6)
                .with(
                        new Experts(
                                config.positive("num_local_experts", 8),
                                config.positive("num_experts_per_tok", 2),
                                config.positive("intermediate_size", 14336),
                                true,
                                "block_sparse_moe",
                                "w1",
                                "w3",
                                "w2"));
    }

    private static Family qwen3Moe(ConfigJson config) {
        return Family.like(Biases.DECLARED, QueryKeyNorm.HEAD, Windows.SWITCHED)
                .with(
                        Map.ofEntries(
                                entry("num_key_value_heads", 4),
                                entry("max_position_embeddings", 32_768),
                                entry("mlp_only_layers", List.of()),
                                entry("decoder_sparse_step", 1)),
                        10000)
                .with(
                        new Experts(
                                // Transformers 5 writes the second
                                config.positive(
                                        "num_experts", config.positive("num_local_experts", 128)),
                                config.positive("num_experts_per_tok", 8),
                                config.positive("moe_intermediate_size", 768),
                                config.flag("norm_topk_prob", false),
                                "mlp",
                                "gate_proj",
                                "up_proj",
                                "down_proj"));
    }

    private static Family glm(NormPlacement norms) {
        return new Family(
                Map.ofEntries(
                        entry("head_dim", 128),
                        entry("num_key_value_heads", 2),
                        entry("max_position_embeddings", 131_072),
                        entry("attention_bias", true),
                        entry("partial_rotary_factor", 0.5),
                        entry("rms_norm_eps", 1.5625e-7)),
                10000,
                Biases.QKV_DECLARED,
                Projections.GATES_FUSED,
                norms,
                QueryKeyNorm.NONE,
                false,
                true,
                Windows.NONE,
                null);
    }

    private static Family helium() {
        return Family.like(Biases.QKV_DECLARED, QueryKeyNorm.NONE, Windows.NONE)
                .with(
                        Map.ofEntries(
                                entry("head_dim", 128),
                                entry("num_key_value_heads", 20),
                                entry("max_position_embeddings", 4096),
                                entry("rms_norm_eps", 1e-8),
                                entry("mlp_bias", false)),
                        1e5)
                .rotatingNeighbours();
    }

    private static Family ernie() {
        return Family.like(Biases.DECLARED, QueryKeyNorm.NONE, Windows.NONE)
                .with(
                        Map.ofEntries(
                                entry("head_dim", 128),
                                entry("num_key_value_heads", 2),
                                entry("max_position_embeddings", 131_072),
                                entry("rms_norm_eps", 1e-5),
                                entry("tie_word_embeddings", true),
                                entry("use_bias", false)),
                        5e5)
                .rotatingNeighbours();
    }

    private static Family seed() {
        return Family.like(Biases.QKV_DECLARED, QueryKeyNorm.NONE, Windows.NONE)
                .with(
                        Map.ofEntries(
                                entry("head_dim", 128),
                                entry("num_key_value_heads", 8),
                                entry("max_position_embeddings", 524_288),
                                entry("attention_bias", true),
                                entry("attention_out_bias", false),
                                entry("mlp_bias", false)),
                        10000);
    }

    /// The function of the gate: the first files of the first Gemma say gelu and mean the one by
    /// tanh.
    static Activation activation(ConfigJson config, Family family) {
        String key = config.has("hidden_activation") ? "hidden_activation" : "hidden_act";
        boolean isFirst = family.gemma() && key.equals("hidden_act");
        String name = config.text(key, "silu");
        return switch (name) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu_pytorch_tanh", "gelu_new" -> Activation.GELU_TANH;
            case "gelu" -> isFirst ? Activation.GELU_TANH : Activation.GELU;
            default ->
                    throw config.unsupported(
                            "%s '%s' is not supported; supported: silu, gelu, gelu_pytorch_tanh"
                                    .formatted(key, name));
        };
    }
}
