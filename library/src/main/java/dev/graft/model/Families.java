package dev.graft.model;

import dev.graft.kernel.Activation;
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
                    "glm4");

    /// Which maps have biases.
    enum Biases {
        NONE,
        /// `attention_bias`, `mlp_bias`
        DECLARED,
        /// q, k and v
        QKV,
        /// q, k and v, if `attention_bias`
        QKV_DECLARED
    }

    /// Which maps are one.
    enum Projections {
        APART,
        /// q, k and v; gate and up
        FUSED,
        /// gate and up
        GATES_FUSED
    }

    /// A family.
    ///
    /// @param defaults of keys that a `config.json` may leave out
    /// @param theta of rotary embeddings where the config says none
    /// @param gemma whether norms are stored less one and embeddings scaled by √H
    /// @param neighbours whether pairs that are rotated lie side by side
    record Family(
            Map<String, Object> defaults,
            double theta,
            Biases biases,
            Projections projections,
            NormPlacement norms,
            QueryKeyNorm queryKeyNorm,
            boolean gemma,
            boolean neighbours,
            Windows windows,
            Experts experts) {

        private static Family like(Biases biases, QueryKeyNorm norm, Windows windows) {
            return new Family(
                    Map.of(),
                    10000,
                    biases,
                    Projections.APART,
                    NormPlacement.PRE,
                    norm,
                    false,
                    false,
                    windows,
                    null);
        }

        private static Family gemma(
                Map<String, Object> defaults,
                NormPlacement norms,
                QueryKeyNorm norm,
                Windows windows) {
            return new Family(
                    defaults,
                    10000,
                    Biases.DECLARED,
                    Projections.APART,
                    norms,
                    norm,
                    true,
                    false,
                    windows,
                    null);
        }

        private Family with(Map<String, Object> otherDefaults, double otherTheta) {
            return new Family(
                    otherDefaults,
                    otherTheta,
                    biases,
                    projections,
                    norms,
                    queryKeyNorm,
                    gemma,
                    neighbours,
                    windows,
                    experts);
        }

        private Family with(Experts others) {
            return new Family(
                    defaults,
                    theta,
                    biases,
                    projections,
                    norms,
                    queryKeyNorm,
                    gemma,
                    neighbours,
                    windows,
                    others);
        }
    }

    private Families() {}

    static Family of(ConfigJson config) {
        String type = config.text("model_type", "");
        return switch (type) {
            case "llama" -> Family.like(Biases.DECLARED, QueryKeyNorm.NONE, Windows.NONE);
            case "mistral" ->
                    Family.like(Biases.NONE, QueryKeyNorm.NONE, Windows.EVERY)
                            .with(Map.of("sliding_window", 4096), 10000);
            case "qwen2" -> Family.like(Biases.QKV, QueryKeyNorm.NONE, Windows.LAST_LAYERS);
            case "qwen3" ->
                    Family.like(Biases.DECLARED, QueryKeyNorm.HEAD, Windows.LAST_LAYERS)
                            .with(Map.of("head_dim", 128), 10000);
            case "gemma" ->
                    Family.gemma(
                            Map.of(
                                    "head_dim",
                                    256,
                                    "tie_word_embeddings",
                                    true,
                                    "hidden_act",
                                    "gelu_pytorch_tanh"),
                            NormPlacement.PRE,
                            QueryKeyNorm.NONE,
                            Windows.NONE);
            case "gemma2" -> gemma2();
            case "gemma3_text", "gemma3" -> gemma3();
            case "phi3" -> phi3();
            case "smollm3" ->
                    Family.like(Biases.DECLARED, QueryKeyNorm.NONE, Windows.NOT_ROTATED)
                            .with(Map.of("tie_word_embeddings", true), 2e6);
            case "granite" ->
                    Family.like(Biases.DECLARED, QueryKeyNorm.NONE, Windows.NONE)
                            .with(Map.of("attention_multiplier", 1.0), 10000);
            case "olmo2" ->
                    new Family(
                            Map.of("rms_norm_eps", 1e-5),
                            10000,
                            Biases.DECLARED,
                            Projections.APART,
                            NormPlacement.POST,
                            QueryKeyNorm.WIDTH,
                            false,
                            false,
                            Windows.NONE,
                            null);
            case "mixtral" -> mixtral(config);
            case "qwen3_moe" -> qwen3Moe(config);
            case "glm4" ->
                    new Family(
                            Map.of(
                                    "head_dim",
                                    128,
                                    "num_key_value_heads",
                                    2,
                                    "attention_bias",
                                    true,
                                    "partial_rotary_factor",
                                    0.5,
                                    "rms_norm_eps",
                                    1.5625e-7),
                            10000,
                            Biases.QKV_DECLARED,
                            Projections.GATES_FUSED,
                            NormPlacement.SANDWICH_GLM,
                            QueryKeyNorm.NONE,
                            false,
                            true,
                            Windows.NONE,
                            null);
            default ->
                    throw config.unsupported(
                            "model_type '%s' is not supported; supported: %s"
                                    .formatted(type, String.join(", ", SUPPORTED)));
        };
    }

    private static Family gemma2() {
        return Family.gemma(
                Map.of(
                        "head_dim",
                        256,
                        "tie_word_embeddings",
                        true,
                        "hidden_activation",
                        "gelu_pytorch_tanh",
                        "query_pre_attn_scalar",
                        256,
                        "sliding_window",
                        4096,
                        "sliding_window_pattern",
                        2,
                        "attn_logit_softcapping",
                        50.0,
                        "final_logit_softcapping",
                        30.0),
                NormPlacement.SANDWICH,
                QueryKeyNorm.NONE,
                Windows.ALTERNATING);
    }

    /// The released files of Gemma 3 leave out most keys of their text part.
    private static Family gemma3() {
        return Family.gemma(
                Map.ofEntries(
                        Map.entry("vocab_size", 262_208),
                        Map.entry("hidden_size", 2304),
                        Map.entry("intermediate_size", 9216),
                        Map.entry("num_hidden_layers", 26),
                        Map.entry("num_attention_heads", 8),
                        Map.entry("num_key_value_heads", 4),
                        Map.entry("head_dim", 256),
                        Map.entry("max_position_embeddings", 131_072),
                        Map.entry("tie_word_embeddings", true),
                        Map.entry("hidden_activation", "gelu_pytorch_tanh"),
                        Map.entry("query_pre_attn_scalar", 256),
                        Map.entry("sliding_window", 4096),
                        Map.entry("sliding_window_pattern", 6)),
                NormPlacement.SANDWICH,
                QueryKeyNorm.HEAD,
                Windows.ALTERNATING);
    }

    private static Family phi3() {
        return new Family(
                Map.of("rms_norm_eps", 1e-5, "original_max_position_embeddings", 4096),
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

    private static Family mixtral(ConfigJson config) {
        return Family.like(Biases.NONE, QueryKeyNorm.NONE, Windows.EVERY)
                .with(Map.of("rms_norm_eps", 1e-5, "num_key_value_heads", 8), 1e6)
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

    /// The function of the gate: Gemma's first files say gelu and mean the one by tanh.
    static Activation activation(ConfigJson config, Family family) {
        String key = config.has("hidden_activation") ? "hidden_activation" : "hidden_act";
        String name = config.text(key, "silu");
        return switch (name) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu_pytorch_tanh", "gelu_new" -> Activation.GELU_TANH;
            case "gelu" -> family.gemma() ? Activation.GELU_TANH : Activation.GELU;
            default ->
                    throw config.unsupported(
                            "%s '%s' is not supported; supported: silu, gelu, gelu_pytorch_tanh"
                                    .formatted(key, name));
        };
    }
}
