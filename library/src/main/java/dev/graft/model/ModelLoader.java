package dev.graft.model;

import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.format.ModelFiles;
import dev.graft.format.TensorInfo;
import dev.graft.kernel.AttentionRule;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.nn.Embedding;
import dev.graft.nn.FeedForward;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.GatedMlp;
import dev.graft.nn.Linear;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.RopeTable;
import dev.graft.nn.SparseMlp;
import dev.graft.nn.Weight;
import dev.graft.quant.BitsAndBytes;
import dev.graft.quant.Quantization;
import dev.graft.quant.QuantizedTensor;
import dev.graft.quant.Quantizer;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Pages;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/// Builds a [Transformer] over the mapped weights of a folder: matrices stay where and as they are
/// stored, norms and biases are brought to the type of the computation; on a card matrices are no
/// wider than that. Where all weights are trained, a card gets them as they are stored.
public final class ModelLoader {
    private final ModelConfig config;
    private final ModelFiles files;
    private final DType compute;
    private final LoadOptions options;
    private final ModelLayout layout;
    private final UnaryOperator<String> fileNames;
    private final Map<RotaryEmbedding, RopeTable> ropes = new HashMap<>();
    private int loaded;

    private ModelLoader(ModelConfig config, ModelFiles files, DType compute, LoadOptions options) {
        this.config = config;
        this.files = files;
        this.compute = compute;
        this.options = options;
        this.layout = ModelLayout.of(config);
        this.fileNames = config.names().in(files);
    }

    /// Builds the model; the files must stay open as long as it lives.
    ///
    /// @throws ModelFormatException if a tensor is missing or of another shape than `config.json`
    ///     says; names it
    public static Transformer load(ModelConfig config, ModelFiles files, DType compute) {
        return load(config, files, compute, LoadOptions.PLAIN);
    }

    /// Refuses what a device cannot do.
    private static void check(LoadOptions options) {
        if (!options.device().isCpu() && options.residency() == BaseResidency.MAPPED) {
            throw new ConfigException(
                    "base_residency: mapped leaves the base in its file, which %s cannot read; streamed leaves it in the host's memory, or set device: cpu"
                            .formatted(options.device()));
        }
        if (options.device().isCpu() && options.residency() == BaseResidency.STREAMED) {
            throw new ConfigException(
                    "base_residency: streamed is for a card, and the model computes on the processor; mapped leaves a quantized base in its files");
        }
        if (options.whole() && options.residency() == BaseResidency.STREAMED) {
            throw new ConfigException(
                    "base_residency: streamed leaves the base in the host's memory, and finetuning_type: full trains all of it on the card; leave one of them out");
        }
    }

    /// The same, quantizing matrix by matrix: the memory is that of the codes and of one chunk.
    ///
    /// @throws ConfigException if the options do not fit what is stored
    public static Transformer load(
            ModelConfig config, ModelFiles files, DType compute, LoadOptions options) {
        check(options);
        var scope = Scope.detached("model", options.device());
        try (var _ = scope.enter()) {
            return new ModelLoader(config, files, compute, options).build(scope);
        } catch (RuntimeException e) {
            scope.close();
            throw e;
        }
    }

    private Transformer build(Scope scope) {
        FrozenWeight.Dense table = matrix(layout.embedding());
        double scale = config.multipliers().embedding(table.stored().dtype());
        var embedding = new Embedding(layout.embedding().path(), table, scale);
        List<DecoderLayer> layers = layout.layers().stream().map(this::layer).toList();
        RmsNorm norm = norm(layout.norms().getLast());
        Matrix head = layout.head();
        Weight headWeight = config.tiedEmbeddings() ? tied(table) : linearMatrix(head);
        return new Transformer(
                config,
                compute,
                scope,
                embedding,
                layers,
                norm,
                new Linear(head.path(), headWeight, null),
                options.residency(),
                fileNames);
    }

    /// The table as the head; files may have a copy of it under the head's name, and no more than
    /// that: Transformers 5 unties the two where they differ, Transformers 4 drops the head.
    private FrozenWeight.Dense tied(FrozenWeight.Dense table) {
        String head = fileNames.apply(layout.head().path()) + ".weight";
        String embedding = fileNames.apply(layout.embedding().path()) + ".weight";
        if (files.has(head) && files.bytes(head).mismatch(files.bytes(embedding)) >= 0) {
            throw new ModelFormatException(
                    "%s: config.json ties the head to the embeddings, but %s differs from %s; if the head was trained, set \"tie_word_embeddings\": false in config.json, else remove it from the file"
                            .formatted(files.path(head), head, embedding));
        }
        return table;
    }

    private DecoderLayer layer(ModelLayout.Layer layer) {
        var shape = config.attention();
        LayerKind kind = layer.kind();
        RmsNorm first = norm(layer.beforeAttention());
        var attention =
                new SelfAttention(
                        layer.projections().stream().map(this::linear).toList(),
                        linear(layer.output()),
                        norm(layer.queryNorm()),
                        norm(layer.keyNorm()),
                        new AttentionRule(shape.scale(), shape.softCap(), kind.window()),
                        shape.heads(),
                        shape.keyHeads(),
                        shape.headWidth());
        return new DecoderLayer(
                first,
                attention,
                norm(layer.afterAttention()),
                norm(layer.beforeMlp()),
                feedForward(layer),
                norm(layer.afterMlp()),
                kind.rope() == null
                        ? null
                        : ropes.computeIfAbsent(kind.rope(), RotaryEmbedding::table),
                config.multipliers().residual());
    }

    private FeedForward feedForward(ModelLayout.Layer layer) {
        if (layer.router() == null) {
            return gated(layer.blocks().getFirst());
        }
        var experts = config.mlp().experts();
        var router = new Linear(layer.router().path(), matrix(layer.router()), null);
        List<GatedMlp> blocks = layer.blocks().stream().map(this::gated).toList();
        return new SparseMlp(router, blocks, experts.perToken(), experts.normalized());
    }

    private GatedMlp gated(ModelLayout.Gated block) {
        List<Linear> gateUp = block.gateUp().stream().map(this::linear).toList();
        return new GatedMlp(config.mlp().activation(), gateUp, linear(block.down()));
    }

    private Linear linear(Matrix m) {
        Tensor bias = m.bias() ? vector(m.path() + ".bias", m.out()) : null;
        return new Linear(m.path(), linearMatrix(m), bias);
    }

    private RmsNorm norm(ModelLayout.Vector v) {
        if (v == null) {
            return null;
        }
        Tensor weight = vector(v.path() + ".weight", v.length());
        return new RmsNorm(v.path(), weight, config.normEpsilon(), config.normOffset());
    }

    private FrozenWeight.Dense matrix(Matrix m) {
        String name = fileNames.apply(m.path());
        Tensor stored = tensor(name + ".weight", m.out(), m.in());
        boolean elsewhere = !options.device().isCpu();
        if (!elsewhere && options.residency() != BaseResidency.RAM) {
            boolean widened = stored.dtype() != compute;
            FileBytes file = widened ? files.unmapped(name + ".weight").orElse(null) : null;
            return new FrozenWeight.Dense(stored, compute, file);
        }
        Tensor copy = elsewhere ? brought(stored) : stored.copy();
        readOnce(name);
        return new FrozenWeight.Dense(copy, compute);
    }

    /// On the device of the computation, and in its type where that is as narrow as what is stored:
    /// a card has no use for panels that are widened at each use.
    private Tensor brought(Tensor stored) {
        Tensor there = stored.to(options.device());
        DType held = held(there.dtype());
        if (held == there.dtype()) {
            return there;
        }
        Tensor rounded = there.to(held);
        there.close();
        return rounded;
    }

    /// The type of what a card gets.
    private DType held(DType stored) {
        return options.whole() || compute.bytes() > stored.bytes() ? stored : compute;
    }

    /// What was read once is not kept resident.
    private void readOnce(String name) {
        Pages.release(files.bytes(name + ".weight"));
    }

    /// A matrix that may be in codes, or is to be.
    private FrozenWeight linearMatrix(Matrix m) {
        String name = fileNames.apply(m.path());
        FrozenWeight weight =
                BitsAndBytes.read(files, name, m.out(), m.in())
                        .<FrozenWeight>map(stored -> quantized(m, name, stored))
                        .orElseGet(() -> dense(m, name));
        loaded++;
        options.progress().at(loaded, matrices());
        return weight;
    }

    /// Those that may be in codes: all but routers and a tied head.
    private int matrices() {
        long count = layout.linears().stream().filter(m -> !m.router()).count();
        return (int) count - (config.tiedEmbeddings() ? 1 : 0);
    }

    /// Whether this matrix stays in the host's memory.
    private boolean streams(Matrix m) {
        return options.residency() == BaseResidency.STREAMED && !m.equals(layout.head());
    }

    private FrozenWeight quantized(Matrix m, String name, QuantizedTensor stored) {
        boolean fits =
                switch (options.quantization()) {
                    case null -> true;
                    case Quantization.FourBit _ -> stored.how() instanceof Quantization.FourBit;
                    case Quantization.Int8 _ -> stored.how() instanceof Quantization.Int8;
                };
        if (!fits) {
            throw new ConfigException(
                    "%s: %s is stored as %s, which is not quantized again; leave load_in_4bit and load_in_8bit out, or use the 16-bit checkpoint"
                            .formatted(files.folder(), name, stored.how()));
        }
        Device device = options.device();
        if (device.isCpu() && options.residency() == BaseResidency.MAPPED) {
            return new FrozenWeight.Quantized(stored, compute);
        }
        QuantizedTensor copy =
                streams(m)
                        ? stored.copyTo(device, codes -> codes.besides(device))
                        : stored.copyTo(device);
        readOnce(name);
        return new FrozenWeight.Quantized(copy, compute);
    }

    private FrozenWeight dense(Matrix m, String name) {
        if (!options.quantizes(m.path())) {
            return streams(m) ? besides(m, name) : matrix(m);
        }
        if (options.residency() == BaseResidency.MAPPED) {
            throw new ConfigException(
                    "base_residency: mapped needs codes in a file, and %s of %s is not quantized; write them once with `graft quantize --model %s --output DIR` and train on DIR"
                            .formatted(name, files.folder(), files.folder()));
        }
        QuantizedTensor codes;
        try (var source = tensor(name + ".weight", m.out(), m.in());
                var there = source.to(options.device())) {
            codes = Quantizer.quantize(name, there, options.quantization());
        }
        readOnce(name);
        QuantizedTensor placed =
                streams(m) ? codes.withCodes(c -> c.besides(options.device())) : codes;
        return new FrozenWeight.Quantized(placed, compute);
    }

    /// A plain matrix in the host's memory, no wider than a card needs it.
    private FrozenWeight besides(Matrix m, String name) {
        try (var stored = tensor(name + ".weight", m.out(), m.in());
                var narrow = stored.to(held(stored.dtype()))) {
            var weight = new FrozenWeight.Dense(narrow.besides(options.device()), compute);
            readOnce(name);
            return weight;
        }
    }

    private Tensor vector(String path, long length) {
        Tensor stored = tensor(fileNames.apply(path), length).to(options.device());
        return options.whole() || stored.dtype() == compute ? stored : stored.to(compute);
    }

    private Tensor tensor(String name, long... shape) {
        TensorInfo info = files.info(name);
        if (!info.dtype().isFloating()) {
            throw new ModelFormatException(
                    "%s: tensor %s is %s, expected F32, F16 or BF16"
                            .formatted(files.path(name), name, info.describe()));
        }
        if (!Arrays.equals(info.shape(), shape)) {
            throw new ModelFormatException(
                    "%s: tensor %s has shape %s, config.json says %s: the config belongs to another model"
                            .formatted(
                                    files.path(name),
                                    name,
                                    Arrays.toString(info.shape()),
                                    Arrays.toString(shape)));
        }
        return files.tensor(name);
    }
}
