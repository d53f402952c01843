package dev.graft.export;

import dev.graft.format.AtomicFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.format.SafetensorsWriter.Entry;
import dev.graft.model.ModelConfig;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// A model with random weights, initialized as Transformers does: matrices normal with deviation
/// `initializer_range`, norms 1, biases 0. The start of a pretraining, and what benchmarks load.
public final class RandomModel {
    private final ModelConfig config;
    private final DType dtype;
    private final long seed;
    private final List<Entry> entries = new ArrayList<>();

    private RandomModel(ModelConfig config, DType dtype, long seed) {
        this.config = config;
        this.dtype = dtype;
        this.seed = seed;
    }

    /// Writes `model.safetensors` for the `config.json` of a folder into another, with all that
    /// lies beside it; streamed, so models larger than memory can be made.
    public static void write(Path from, Path to, DType dtype, long seed) {
        var model = new RandomModel(ModelConfig.read(from), dtype, seed);
        model.addTensors();
        SafetensorsWriter.write(
                to.resolve("model.safetensors"), model.entries, Map.of("format", "pt"));
        ModelFolderWriter.copyCompanions(from, to);
        try {
            AtomicFile.write(
                    to.resolve("config.json"), Files.readString(from.resolve("config.json")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void addTensors() {
        var shape = config.attention();
        long hidden = config.hidden();
        long queries = (long) shape.heads() * shape.headWidth();
        long keys = (long) shape.keyHeads() * shape.headWidth();
        matrix("model.embed_tokens", config.vocabulary(), hidden);
        for (int i = 0; i < config.layers(); i++) {
            String layer = "model.layers." + i + ".";
            constant(layer + "input_layernorm.weight", 1, hidden);
            linear(layer + "self_attn.q_proj", queries, hidden, shape.bias());
            linear(layer + "self_attn.k_proj", keys, hidden, shape.bias());
            linear(layer + "self_attn.v_proj", keys, hidden, shape.bias());
            linear(layer + "self_attn.o_proj", hidden, queries, shape.bias());
            constant(layer + "post_attention_layernorm.weight", 1, hidden);
            linear(layer + "mlp.gate_proj", config.feedForward(), hidden, config.mlpBias());
            linear(layer + "mlp.up_proj", config.feedForward(), hidden, config.mlpBias());
            linear(layer + "mlp.down_proj", hidden, config.feedForward(), config.mlpBias());
        }
        constant("model.norm.weight", 1, hidden);
        if (!config.tiedEmbeddings()) {
            matrix("lm_head", config.vocabulary(), hidden);
        }
    }

    private void linear(String name, long out, long in, boolean bias) {
        matrix(name, out, in);
        if (bias) {
            constant(name + ".bias", 0, out);
        }
    }

    private void matrix(String name, long out, long in) {
        String full = name + ".weight";
        entries.add(new Entry(full, dtype, new long[] {out, in}, () -> normal(full, out, in)));
    }

    private void constant(String name, double value, long length) {
        entries.add(
                new Entry(
                        name,
                        dtype,
                        new long[] {length},
                        () -> Tensor.full(DType.F32, value, length)));
    }

    private Tensor normal(String name, long out, long in) {
        RandomGenerator random =
                RandomGeneratorFactory.of("L64X128MixRandom")
                        .create(seed * 0x9E3779B97F4A7C15L + name.hashCode());
        float[] values = new float[Math.toIntExact(out * in)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * config.initializerRange());
        }
        return Tensor.of(values, out, in);
    }
}
