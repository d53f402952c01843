package dev.graft.export;

import dev.graft.disk.AtomicFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.format.SafetensorsWriter.Entry;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// A model with random weights, initialized as Transformers does: matrices normal with deviation
/// `initializer_range`, norms 1, biases 0. The start of a pretraining, and what benchmarks load.
public final class RandomModel {
    private final ModelConfig config;
    private final DType dtype;
    private final long seed;
    private final UnaryOperator<String> fileNames;
    private final List<Entry> entries = new ArrayList<>();

    private RandomModel(ModelConfig config, DType dtype, long seed) {
        this.config = config;
        this.dtype = dtype;
        this.seed = seed;
        this.fileNames = config.names().fresh();
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
        ModelLayout layout = ModelLayout.of(config);
        matrix(layout.embedding());
        for (ModelLayout.Matrix m : layout.linears()) {
            if (!m.equals(layout.head()) || !config.tiedEmbeddings()) {
                matrix(m);
            }
        }
        for (ModelLayout.Vector norm : layout.norms()) {
            constant(norm.path() + ".weight", 1 - config.normOffset(), norm.length());
        }
    }

    private void matrix(ModelLayout.Matrix m) {
        matrix(m.path(), m.out(), m.in());
        if (m.bias()) {
            constant(m.path() + ".bias", 0, m.out());
        }
    }

    private void matrix(String name, long out, long in) {
        String full = name + ".weight";
        String inFile = fileNames.apply(full);
        entries.add(new Entry(inFile, dtype, new long[] {out, in}, () -> normal(full, out, in)));
    }

    private void constant(String name, double value, long length) {
        entries.add(
                new Entry(
                        fileNames.apply(name),
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
