package dev.graft.model;

/// Which norms a layer has, by the names of their modules; null where there is none.
///
/// x + afterAttention(attention(beforeAttention(x))), then
/// x + afterMlp(mlp(beforeMlp(x))).
public record NormPlacement(
        String beforeAttention, String afterAttention, String beforeMlp, String afterMlp) {
    /// Before each block, as in Llama.
    static final NormPlacement PRE =
            new NormPlacement("input_layernorm", null, "post_attention_layernorm", null);

    /// Behind each block, as in OLMo 2.
    static final NormPlacement POST =
            new NormPlacement(null, "post_attention_layernorm", null, "post_feedforward_layernorm");

    /// Around each block, as in Gemma 2.
    static final NormPlacement SANDWICH =
            new NormPlacement(
                    "input_layernorm",
                    "post_attention_layernorm",
                    "pre_feedforward_layernorm",
                    "post_feedforward_layernorm");

    /// The same by the names of GLM-4.
    static final NormPlacement SANDWICH_GLM =
            new NormPlacement(
                    "input_layernorm",
                    "post_self_attn_layernorm",
                    "post_attention_layernorm",
                    "post_mlp_layernorm");
}
