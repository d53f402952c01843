package dev.graft.model;

import java.util.ArrayList;
import java.util.List;

/// The modules of a decoder by path and shape, known from its config before a weight is read.
///
/// @param embedding the table [V, H]
/// @param linears every linear map in the order of Transformers, the head last
/// @param norms every norm
public record ModelLayout(
        ModelConfig config, Matrix embedding, List<Matrix> linears, List<Vector> norms) {
    private static final String EMBEDDING = "model.embed_tokens";
    private static final String HEAD = "lm_head";

    /// A module with a weight [out, in].
    ///
    /// @param bias whether there is one number an output besides
    public record Matrix(String path, long out, long in, boolean bias) {
        public long elements() {
            return out * in;
        }
    }

    /// A module whose weight is a row of numbers.
    public record Vector(String path, long length) {}

    public ModelLayout {
        linears = List.copyOf(linears);
        norms = List.copyOf(norms);
    }

    /// The modules that a model of this config has.
    public static ModelLayout of(ModelConfig config) {
        long hidden = config.hidden();
        List<Matrix> linears = new ArrayList<>();
        List<Vector> norms = new ArrayList<>();
        for (int i = 0; i < config.layers(); i++) {
            String prefix = "model.layers." + i + ".";
            layer(config, prefix, linears);
            norms.add(new Vector(prefix + "input_layernorm", hidden));
            norms.add(new Vector(prefix + "post_attention_layernorm", hidden));
        }
        linears.add(new Matrix(HEAD, config.vocabulary(), hidden, false));
        norms.add(new Vector("model.norm", hidden));
        var embedding = new Matrix(EMBEDDING, config.vocabulary(), hidden, false);
        return new ModelLayout(config, embedding, linears, norms);
    }

    private static void layer(ModelConfig config, String prefix, List<Matrix> linears) {
        var shape = config.attention();
        long hidden = config.hidden();
        long queries = (long) shape.heads() * shape.headWidth();
        long keys = (long) shape.keyHeads() * shape.headWidth();
        String attention = prefix + "self_attn.";
        linears.add(new Matrix(attention + "q_proj", queries, hidden, shape.bias()));
        linears.add(new Matrix(attention + "k_proj", keys, hidden, shape.bias()));
        linears.add(new Matrix(attention + "v_proj", keys, hidden, shape.bias()));
        linears.add(new Matrix(attention + "o_proj", hidden, queries, shape.bias()));
        long forward = config.feedForward();
        linears.add(new Matrix(prefix + "mlp.gate_proj", forward, hidden, config.mlpBias()));
        linears.add(new Matrix(prefix + "mlp.up_proj", forward, hidden, config.mlpBias()));
        linears.add(new Matrix(prefix + "mlp.down_proj", hidden, forward, config.mlpBias()));
    }

    /// The output head; with tied embeddings its weight is the embedding table.
    public Matrix head() {
        return linears.getLast();
    }

    /// The linear maps of a layer.
    public List<Matrix> layer(int index) {
        String prefix = "model.layers." + index + ".";
        return linears.stream().filter(m -> m.path().startsWith(prefix)).toList();
    }
}
