package dev.graft.export;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.disk.AtomicFile;
import dev.graft.error.ConfigException;
import dev.graft.error.TrainingException;
import dev.graft.format.ModelFiles;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.format.SafetensorsWriter.Entry;
import dev.graft.format.TensorInfo;
import dev.graft.model.Transformer;
import dev.graft.quant.BitsAndBytes;
import dev.graft.quant.QuantizedTensor;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Writes a model as it computes now into a folder that Transformers loads: shard by shard, tensor
/// by tensor, sums in float32; matrices in codes as plain numbers. `config.json` goes last,
/// so a folder that has one is complete.
public final class ModelFolderWriter {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final List<String> OTHERS =
            List.of(
                    "generation_config.json",
                    "preprocessor_config.json",
                    "processor_config.json",
                    "chat_template.json");

    private final Transformer model;
    private final ModelFiles base;
    private final DType dtype;
    private final MergedWeights weights;

    /// @param base the files that the model was loaded from, still open
    /// @param dtype of the written matrices, or null for that of the base
    public ModelFolderWriter(Transformer model, ModelFiles base, DType dtype) {
        this.model = model;
        this.base = base;
        this.dtype = dtype;
        this.weights = new MergedWeights(model);
    }

    /// Writes the folder.
    ///
    /// @throws TrainingException if the disk is full; no `config.json` is left then
    public void write(Path folder) {
        var index = JSON.createObjectNode();
        var map = index.putObject("weight_map");
        long total = 0;
        List<SafetensorsFile> files = base.files();
        for (SafetensorsFile file : files) {
            List<Entry> entries = entries(file, file == files.getLast());
            String name = file.path().getFileName().toString();
            SafetensorsWriter.write(folder.resolve(name), entries, Map.of("format", "pt"));
            for (Entry entry : entries) {
                map.put(entry.name(), name);
                total += entry.bytes();
            }
        }
        if (files.size() > 1) {
            index.putObject("metadata").put("total_size", total);
            AtomicFile.write(
                    folder.resolve("model.safetensors.index.json"), index.toPrettyString() + "\n");
        }
        copyCompanions(base.folder(), folder);
        AtomicFile.write(folder.resolve("config.json"), config());
    }

    private List<Entry> entries(SafetensorsFile file, boolean last) {
        List<Entry> entries = new ArrayList<>();
        String head = model.fileName(model.head().name()) + ".weight";
        boolean isTied = model.config().tiedEmbeddings() && !weights.headIsOwn();
        for (TensorInfo info : file.tensors().values()) {
            // a copy of the table as it was would untie the two
            boolean isCopy = isTied && info.name().equals(head);
            if (!isCopy && !BitsAndBytes.isConstant(info.name())) {
                entries.add(entry(file, info));
            }
        }
        if (last && weights.headIsOwn() && !base.has(head)) {
            TensorInfo table = base.info(model.fileName(model.embedding().name()) + ".weight");
            Supplier<Tensor> source =
                    weights.changed().getOrDefault(head, () -> model.head().weight().expanded());
            entries.add(
                    new Entry(head, dtype == null ? table.dtype() : dtype, table.shape(), source));
        }
        return entries;
    }

    /// A matrix in codes is written as the values that it stands for.
    private Entry entry(SafetensorsFile file, TensorInfo info) {
        QuantizedTensor codes = weights.codes().get(info.name());
        DType stored = codes == null ? info.dtype() : codes.source();
        long[] shape =
                codes == null
                        ? info.shape()
                        : new long[] {codes.matrix().out(), codes.matrix().in()};
        DType type = dtype == null || !stored.isFloating() ? stored : dtype;
        Supplier<Tensor> changed = weights.changed().get(info.name());
        Supplier<Tensor> source = changed == null ? () -> file.tensor(info.name()) : changed;
        return new Entry(info.name(), type, shape, source);
    }

    private String config() {
        try {
            ObjectNode root =
                    (ObjectNode)
                            JSON.readTree(Files.readString(base.folder().resolve("config.json")));
            if (model.config().tiedEmbeddings() && weights.headIsOwn()) {
                root.put("tie_word_embeddings", false);
            }
            root.remove("quantization_config");
            if (dtype != null) {
                root.put(root.has("torch_dtype") ? "torch_dtype" : "dtype", dtype.torchName());
            }
            return root.toPrettyString() + "\n";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Copies what a model folder has beside config and weights: tokenizer, chat template,
    /// generation settings, those of an image encoder.
    static void copyCompanions(Path from, Path to) {
        copy(from, to, file -> isTokenizer(file) || OTHERS.contains(file.getFileName().toString()));
    }

    /// Copies the tokenizer of a model folder, so that an adapter is never without its own.
    public static void copyTokenizer(Path from, Path to) {
        copy(from, to, ModelFolderWriter::isTokenizer);
    }

    private static void copy(Path from, Path to, Predicate<Path> which) {
        try (Stream<Path> entries = Files.list(from)) {
            Files.createDirectories(to);
            for (Path file : entries.filter(which).toList()) {
                Path part = to.resolve(file.getFileName() + ".part");
                Files.copy(file, part, StandardCopyOption.REPLACE_EXISTING);
                Files.move(
                        part,
                        to.resolve(file.getFileName()),
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new TrainingException(
                    "cannot copy the tokenizer from %s to %s: %s"
                            .formatted(from, to, e.getMessage()),
                    e);
        }
    }

    private static boolean isTokenizer(Path file) {
        String name = file.getFileName().toString();
        return name.startsWith("tokenizer")
                || name.equals("special_tokens_map.json")
                || name.equals("added_tokens.json")
                || name.equals("chat_template.jinja")
                || name.equals("vocab.json")
                || name.equals("merges.txt");
    }

    /// Refuses an output folder that has something in it.
    public static void requireEmpty(String key, Path folder, String advice) {
        try {
            if (!Files.exists(folder)) {
                return;
            }
            try (Stream<Path> entries = Files.list(folder)) {
                if (entries.findAny().isPresent()) {
                    throw new ConfigException(
                            "%s: %s is not empty; %s".formatted(key, folder, advice));
                }
            }
        } catch (IOException e) {
            throw new ConfigException("%s: %s: %s".formatted(key, folder, e.getMessage()), e);
        }
    }
}
