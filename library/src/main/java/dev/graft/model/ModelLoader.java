package dev.graft.model;

import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.format.ModelFiles;
import dev.graft.format.TensorInfo;
import dev.graft.nn.Embedding;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.GatedMlp;
import dev.graft.nn.Linear;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.Weight;
import dev.graft.quant.BitsAndBytes;
import dev.graft.quant.Quantization;
import dev.graft.quant.QuantizedTensor;
import dev.graft.quant.Quantizer;
import dev.graft.tensor.DType;
import dev.graft.tensor.Pages;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Builds a [Transformer] over the mapped weights of a folder: matrices stay where and as they are
/// stored, norms and biases are widened to the type of the computation.
public final class ModelLoader {
    private static final String EMBEDDING = "model.embed_tokens";
    private static final String HEAD = "lm_head";

    private final ModelConfig config;
    private final ModelFiles files;
    private final DType compute;
    private final LoadOptions options;
    private int loaded;

    private ModelLoader(ModelConfig config, ModelFiles files, DType compute, LoadOptions options) {
        this.config = config;
        this.files = files;
        this.compute = compute;
        this.options = options;
    }

    /// Builds the model; the files must stay open as long as it lives.
    ///
    /// @throws ModelFormatException if a tensor is missing or of another shape than `config.json`
    ///     says; names it
    public static Transformer load(ModelConfig config, ModelFiles files, DType compute) {
        return load(config, files, compute, LoadOptions.PLAIN);
    }

    /// The same, quantizing matrix by matrix: the memory is that of the codes and of one chunk.
    ///
    /// @throws ConfigException if the options do not fit what is stored
    public static Transformer load(
            ModelConfig config, ModelFiles files, DType compute, LoadOptions options) {
        var scope = Scope.detached("model");
        try (var _ = scope.enter()) {
            return new ModelLoader(config, files, compute, options).build(scope);
        } catch (RuntimeException e) {
            scope.close();
            throw e;
        }
    }

    private Transformer build(Scope scope) {
        var embedding =
                new Embedding(EMBEDDING, matrix(EMBEDDING, config.vocabulary(), config.hidden()));
        List<DecoderLayer> layers = new ArrayList<>();
        for (int i = 0; i < config.layers(); i++) {
            layers.add(layer("model.layers." + i + "."));
        }
        RmsNorm norm = norm("model.norm");
        Weight headWeight =
                config.tiedEmbeddings()
                        ? embedding.weight()
                        : linearMatrix(HEAD, config.vocabulary(), config.hidden());
        return new Transformer(
                config,
                compute,
                scope,
                embedding,
                layers,
                norm,
                new Linear(HEAD, headWeight, null),
                options.residency());
    }

    private DecoderLayer layer(String prefix) {
        var shape = config.attention();
        int hidden = config.hidden();
        int queries = shape.heads() * shape.headWidth();
        int keys = shape.keyHeads() * shape.headWidth();
        int forward = config.feedForward();
        boolean bias = shape.bias();
        return new DecoderLayer(
                norm(prefix + "input_layernorm"),
                linear(prefix + "self_attn.q_proj", queries, hidden, bias),
                linear(prefix + "self_attn.k_proj", keys, hidden, bias),
                linear(prefix + "self_attn.v_proj", keys, hidden, bias),
                linear(prefix + "self_attn.o_proj", hidden, queries, bias),
                norm(prefix + "post_attention_layernorm"),
                new GatedMlp(
                        linear(prefix + "mlp.gate_proj", forward, hidden, config.mlpBias()),
                        linear(prefix + "mlp.up_proj", forward, hidden, config.mlpBias()),
                        linear(prefix + "mlp.down_proj", hidden, forward, config.mlpBias())),
                shape.headWidth());
    }

    private Linear linear(String name, int out, int in, boolean bias) {
        return new Linear(
                name, linearMatrix(name, out, in), bias ? vector(name + ".bias", out) : null);
    }

    private RmsNorm norm(String name) {
        return new RmsNorm(name, vector(name + ".weight", config.hidden()), config.normEpsilon());
    }

    private FrozenWeight matrix(String name, int out, int in) {
        Tensor stored = tensor(name + ".weight", out, in);
        if (options.residency() != BaseResidency.RAM) {
            return new FrozenWeight.Dense(stored, compute);
        }
        Tensor copy = stored.copy();
        readOnce(name);
        return new FrozenWeight.Dense(copy, compute);
    }

    /// What was read once is not kept resident.
    private void readOnce(String name) {
        Pages.release(files.bytes(name + ".weight"));
    }

    /// A matrix that may be in codes, or is to be.
    private FrozenWeight linearMatrix(String name, int out, int in) {
        FrozenWeight weight =
                BitsAndBytes.read(files, name, out, in)
                        .<FrozenWeight>map(stored -> quantized(name, stored))
                        .orElseGet(() -> dense(name, out, in));
        loaded++;
        options.progress().at(loaded, 7 * config.layers() + (config.tiedEmbeddings() ? 0 : 1));
        return weight;
    }

    private FrozenWeight quantized(String name, QuantizedTensor stored) {
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
        if (options.residency() == BaseResidency.MAPPED) {
            return new FrozenWeight.Quantized(stored, compute);
        }
        QuantizedTensor copy = stored.copy();
        readOnce(name);
        return new FrozenWeight.Quantized(copy, compute);
    }

    private FrozenWeight dense(String name, int out, int in) {
        if (!options.quantizes(name)) {
            return matrix(name, out, in);
        }
        if (options.residency() == BaseResidency.MAPPED) {
            throw new ConfigException(
                    "base_residency: mapped needs codes in a file, and %s of %s is not quantized; write them once with `graft quantize --model %s --output DIR` and train on DIR"
                            .formatted(name, files.folder(), files.folder()));
        }
        Tensor source = tensor(name + ".weight", out, in);
        var codes = Quantizer.quantize(name, source, options.quantization());
        source.close();
        readOnce(name);
        return new FrozenWeight.Quantized(codes, compute);
    }

    private Tensor vector(String name, int length) {
        Tensor stored = tensor(name, length);
        return stored.dtype() == compute ? stored : stored.to(compute);
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
