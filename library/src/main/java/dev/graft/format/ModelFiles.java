package dev.graft.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The weights of a Hugging Face model folder: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names. All files stay mapped until this object closes.
public final class ModelFiles implements AutoCloseable {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;
    private final List<SafetensorsFile> files = new ArrayList<>();
    private final Map<String, SafetensorsFile> byTensor = new LinkedHashMap<>();

    private ModelFiles(Path folder) {
        this.folder = folder;
    }

    /// Maps the weights of a folder.
    ///
    /// @throws ConfigException if there is no such folder
    /// @throws ModelFormatException if weights are missing or damaged; names the file
    public static ModelFiles open(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new ConfigException(
                    "model_name_or_path: %s is not a folder; expected a Hugging Face model folder with config.json, tokenizer.json and *.safetensors"
                            .formatted(folder));
        }
        var model = new ModelFiles(folder);
        try {
            if (Files.exists(folder.resolve(SINGLE))) {
                model.add(folder.resolve(SINGLE));
            } else if (Files.exists(folder.resolve(INDEX))) {
                model.addShards();
            } else {
                throw new ModelFormatException(
                        "%s: no %s and no %s; found %s%s"
                                .formatted(folder, SINGLE, INDEX, listing(folder), advice(folder)));
            }
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
        return model;
    }

    private static String advice(Path folder) {
        boolean isPickled =
                Files.exists(folder.resolve("pytorch_model.bin"))
                        || Files.exists(folder.resolve("pytorch_model.bin.index.json"));
        return isPickled
                ? "; pickled weights can run code and are not read: look for a revision with safetensors, or save it again with Transformers' save_pretrained"
                : "";
    }

    private static String listing(Path folder) {
        try (Stream<Path> entries = Files.list(folder)) {
            String names =
                    entries.map(p -> p.getFileName().toString())
                            .sorted()
                            .limit(20)
                            .collect(Collectors.joining(", "));
            return names.isEmpty() ? "an empty folder" : names;
        } catch (IOException e) {
            return "a folder that cannot be listed (" + e.getMessage() + ")";
        }
    }

    private void add(Path path) {
        SafetensorsFile file = SafetensorsFile.open(path);
        files.add(file);
        for (String name : file.tensors().keySet()) {
            SafetensorsFile other = byTensor.put(name, file);
            if (other != null) {
                throw new ModelFormatException(
                        "%s: tensor %s is in %s and in %s; expected each in one shard"
                                .formatted(
                                        folder,
                                        name,
                                        other.path().getFileName(),
                                        path.getFileName()));
            }
        }
    }

    private void addShards() {
        Path index = folder.resolve(INDEX);
        JsonNode map;
        try {
            map = JSON.readTree(Files.readString(index)).path("weight_map");
        } catch (JsonProcessingException e) {
            throw new ModelFormatException(index + ": not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ModelFormatException(index + ": cannot be read: " + e.getMessage(), e);
        }
        if (!map.isObject() || map.isEmpty()) {
            throw new ModelFormatException(index + ": has no weight_map");
        }
        map.properties()
                .forEach(
                        e -> {
                            if (!e.getValue().isTextual()) {
                                throw new ModelFormatException(
                                        "%s: tensor %s is in %s, expected the name of a file"
                                                .formatted(index, e.getKey(), e.getValue()));
                            }
                        });
        List<String> shards =
                map.properties().stream()
                        .map(e -> e.getValue().asText())
                        .distinct()
                        .sorted()
                        .toList();
        for (String shard : shards) {
            if (shard.indexOf('\0') >= 0) {
                throw new ModelFormatException(index + ": a shard's name has a zero in it");
            }
            Path path = folder.resolve(shard);
            Path inside = folder.toAbsolutePath().normalize();
            if (!inside.equals(path.toAbsolutePath().normalize().getParent())) {
                throw new ModelFormatException(
                        "%s: the shard %s lies outside the folder".formatted(index, shard));
            }
            if (!Files.exists(path)) {
                throw new ModelFormatException(
                        "%s: missing shard %s; the index names %d shards: copy or download it again"
                                .formatted(folder, shard, shards.size()));
            }
            add(path);
        }
        map.properties()
                .forEach(
                        e -> {
                            if (!byTensor.containsKey(e.getKey())) {
                                throw new ModelFormatException(
                                        "%s: tensor %s is not in %s"
                                                .formatted(
                                                        index, e.getKey(), e.getValue().asText()));
                            }
                        });
    }

    public Path folder() {
        return folder;
    }

    /// The mapped files, shards in the order of their names.
    public List<SafetensorsFile> files() {
        return Collections.unmodifiableList(files);
    }

    public boolean has(String name) {
        return byTensor.containsKey(name);
    }

    /// Type and shape of a tensor.
    ///
    /// @throws ModelFormatException if there is no such tensor; names those with like names
    public TensorInfo info(String name) {
        return file(name).tensors().get(name);
    }

    /// The file that a tensor lies in.
    public Path path(String name) {
        return file(name).path();
    }

    /// A read-only view of a tensor's mapped bytes, in the current scope.
    public Tensor tensor(String name) {
        return file(name).tensor(name);
    }

    /// A tensor's mapped bytes, read-only.
    ///
    /// @throws ModelFormatException if there is no such tensor
    public MemorySegment bytes(String name) {
        SafetensorsFile file = file(name);
        return file.bytes(file.tensors().get(name));
    }

    /// The same, to be read rather than mapped; empty where the system cannot do that.
    public Optional<FileBytes> unmapped(String name) {
        SafetensorsFile file = file(name);
        return file.unmapped(file.tensors().get(name));
    }

    private SafetensorsFile file(String name) {
        SafetensorsFile file = byTensor.get(name);
        if (file == null) {
            String last = name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1);
            String near =
                    byTensor.keySet().stream()
                            .filter(n -> n.endsWith(last))
                            .limit(3)
                            .collect(Collectors.joining(", "));
            throw new ModelFormatException(
                    "%s: no tensor %s among %d%s"
                            .formatted(
                                    folder,
                                    name,
                                    byTensor.size(),
                                    near.isEmpty() ? "" : "; like-named: " + near));
        }
        return file;
    }

    @Override
    public void close() {
        files.forEach(SafetensorsFile::close);
        files.clear();
    }
}
