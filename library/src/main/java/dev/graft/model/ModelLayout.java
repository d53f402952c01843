package dev.graft.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/// The modules of a decoder by path and shape, known from its config before a weight is read.
///
/// @param embedding the table [V, H]
/// @param layers the modules of each layer
/// @param linears every linear map in the order of the pass, the head last
/// @param norms every norm, the last one of the model last
public record ModelLayout(
        ModelConfig config,
        Matrix embedding,
        List<Layer> layers,
        List<Matrix> linears,
        List<Vector> norms) {
    private static final String HEAD = "lm_head";

    /// A module with a weight [out, in].
    ///
    /// @param bias whether there is one number an output besides
    /// @param router whether it chooses experts: neither quantized nor meant by `all-linear`
    public record Matrix(String path, long out, long in, boolean bias, boolean router) {
        public Matrix(String path, long out, long in, boolean bias) {
            this(path, out, in, bias, false);
        }

        public long elements() {
            return out * in;
        }
    }

    /// A module whose weight is a row of numbers.
    public record Vector(String path, long length) {}

    /// A gated block: gate and up, or both in one, and down.
    public record Gated(List<Matrix> gateUp, Matrix down) {
        public Gated {
            gateUp = List.copyOf(gateUp);
        }

        List<Matrix> linears() {
            return Stream.concat(gateUp.stream(), Stream.of(down)).toList();
        }
    }

    /// A layer; what it has not is null.
    ///
    /// @param projections q, k and v, or all in one
    /// @param output o
    /// @param router of a sparse layer
    /// @param blocks the feed-forward block, or the experts
    public record Layer(
            LayerKind kind,
            List<Matrix> projections,
            Matrix output,
            Vector queryNorm,
            Vector keyNorm,
            Vector beforeAttention,
            Vector afterAttention,
            Vector beforeMlp,
            Vector afterMlp,
            Matrix router,
            List<Gated> blocks) {
        public Layer {
            projections = List.copyOf(projections);
            blocks = List.copyOf(blocks);
        }

        /// Its linear maps in the order of the pass.
        public List<Matrix> linears() {
            List<Matrix> all = new ArrayList<>(projections);
            all.add(output);
            if (router != null) {
                all.add(router);
            }
            blocks.forEach(b -> all.addAll(b.linears()));
            return all;
        }

        /// Those of them that every token passes: not the experts, nor their router.
        public List<Matrix> passed() {
            List<Matrix> all = new ArrayList<>(projections);
            all.add(output);
            if (router == null) {
                blocks.forEach(b -> all.addAll(b.linears()));
            }
            return all;
        }

        /// Its norms in the order of the pass.
        public List<Vector> norms() {
            return Stream.of(
                            beforeAttention,
                            queryNorm,
                            keyNorm,
                            afterAttention,
                            beforeMlp,
                            afterMlp)
                    .filter(Objects::nonNull)
                    .toList();
        }
    }

    public ModelLayout {
        layers = List.copyOf(layers);
        linears = List.copyOf(linears);
        norms = List.copyOf(norms);
    }

    /// The modules that a model of this config has.
    public static ModelLayout of(ModelConfig config) {
        long hidden = config.hidden();
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.layers(); i++) {
            String prefix = config.names().prefix() + "layers." + i + ".";
            layers.add(layer(config, config.kinds().get(i), prefix));
        }
        var embedding = new Matrix(config.names().embedding(), config.vocabulary(), hidden, false);
        List<Matrix> linears = new ArrayList<>();
        layers.forEach(l -> linears.addAll(l.linears()));
        linears.add(new Matrix(HEAD, config.vocabulary(), hidden, false));
        List<Vector> norms = new ArrayList<>();
        layers.forEach(l -> norms.addAll(l.norms()));
        norms.add(new Vector(config.names().prefix() + "norm", hidden));
        return new ModelLayout(config, embedding, layers, linears, norms);
    }

    private static Layer layer(ModelConfig config, LayerKind kind, String prefix) {
        var shape = config.attention();
        long hidden = config.hidden();
        long width = shape.headWidth();
        long queries = shape.heads() * width;
        long keys = shape.keyHeads() * width;
        String attention = prefix + "self_attn.";
        List<Matrix> projections =
                shape.fused()
                        ? List.of(
                                new Matrix(
                                        attention + "qkv_proj",
                                        queries + 2 * keys,
                                        hidden,
                                        shape.bias()))
                        : List.of(
                                new Matrix(attention + "q_proj", queries, hidden, shape.bias()),
                                new Matrix(attention + "k_proj", keys, hidden, shape.bias()),
                                new Matrix(attention + "v_proj", keys, hidden, shape.bias()));
        boolean each = shape.norm() == QueryKeyNorm.HEAD;
        boolean none = shape.norm() == QueryKeyNorm.NONE;
        NormPlacement norms = config.norms();
        var experts = config.mlp().experts();
        return new Layer(
                kind,
                projections,
                new Matrix(attention + "o_proj", hidden, queries, shape.outputBias()),
                none ? null : new Vector(attention + "q_norm", each ? width : queries),
                none ? null : new Vector(attention + "k_norm", each ? width : keys),
                norm(prefix, norms.beforeAttention(), hidden),
                norm(prefix, norms.afterAttention(), hidden),
                norm(prefix, norms.beforeMlp(), hidden),
                norm(prefix, norms.afterMlp(), hidden),
                kind.sparse()
                        ? new Matrix(
                                prefix + experts.block() + ".gate",
                                experts.count(),
                                hidden,
                                false,
                                true)
                        : null,
                kind.sparse() ? experts(config, prefix) : List.of(dense(config, prefix)));
    }

    private static Vector norm(String prefix, String name, long hidden) {
        return name == null ? null : new Vector(prefix + name, hidden);
    }

    private static Gated dense(ModelConfig config, String prefix) {
        long hidden = config.hidden();
        long forward = config.feedForward();
        boolean bias = config.mlp().bias();
        String mlp = prefix + "mlp.";
        List<Matrix> gateUp =
                config.mlp().fused()
                        ? List.of(new Matrix(mlp + "gate_up_proj", 2 * forward, hidden, bias))
                        : List.of(
                                new Matrix(mlp + "gate_proj", forward, hidden, bias),
                                new Matrix(mlp + "up_proj", forward, hidden, bias));
        return new Gated(gateUp, new Matrix(mlp + "down_proj", hidden, forward, bias));
    }

    private static List<Gated> experts(ModelConfig config, String prefix) {
        var experts = config.mlp().experts();
        long hidden = config.hidden();
        List<Gated> all = new ArrayList<>();
        for (int e = 0; e < experts.count(); e++) {
            String expert = prefix + experts.block() + ".experts." + e + ".";
            var gate = new Matrix(expert + experts.gate(), experts.width(), hidden, false);
            var up = new Matrix(expert + experts.up(), experts.width(), hidden, false);
            var down = new Matrix(expert + experts.down(), hidden, experts.width(), false);
            all.add(new Gated(List.of(gate, up), down));
        }
        return all;
    }

    /// The output head; with tied embeddings its weight is the embedding table.
    public Matrix head() {
        return linears.getLast();
    }

    /// The linear maps of a layer.
    public List<Matrix> layer(int index) {
        return layers.get(index).linears();
    }

    /// Weights of the model, each counted once.
    public long parameters() {
        long matrices =
                linears.stream().mapToLong(m -> m.elements() + (m.bias() ? m.out() : 0)).sum();
        long tied = config.tiedEmbeddings() ? head().elements() : 0;
        long vectors = norms.stream().mapToLong(Vector::length).sum();
        return embedding.elements() + matrices - tied + vectors;
    }
}
