package dev.graft.adapter;

import dev.graft.disk.AtomicFile;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.format.TensorInfo;
import dev.graft.model.Transformer;
import dev.graft.nn.Parameter;
import dev.graft.tensor.Scope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Adapters in the files of PEFT: `adapter_config.json` and `adapter_model.safetensors`, read
/// strictly: every tensor of the file is used, and every parameter is filled.
public final class PeftFiles {
    static final String WEIGHTS = "adapter_model.safetensors";
    static final String CONFIG = "adapter_config.json";

    private PeftFiles() {}

    /// Writes the adapter so that `PeftModel.from_pretrained` loads it; the config goes last, so a
    /// folder that has one is complete.
    public static void write(Adapter adapter, Path folder) {
        List<SafetensorsWriter.Entry> entries =
                adapter.parameters().values().stream()
                        .map(p -> SafetensorsWriter.Entry.of(p.name(), p.value()))
                        .toList();
        SafetensorsWriter.write(folder.resolve(WEIGHTS), entries, Map.of("format", "pt"));
        AtomicFile.write(
                folder.resolve(CONFIG),
                PeftConfigJson.write(adapter.config(), adapter.resolution()));
    }

    /// Reads the config of an adapter folder.
    public static LoraConfig readConfig(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new ConfigException(
                    "adapter: %s is not a folder; expected one with %s and %s"
                            .formatted(folder, CONFIG, WEIGHTS));
        }
        return PeftConfigJson.read(folder.resolve(CONFIG));
    }

    /// Puts the adapter of a folder on the model.
    ///
    /// @throws ModelFormatException if a tensor is missing, superfluous or of another shape
    public static Adapter load(Transformer model, Path folder) {
        return load(model, folder, readConfig(folder));
    }

    /// The same with a config that was read before and may differ in what does not change the
    /// files (dropout).
    public static Adapter load(Transformer model, Path folder, LoraConfig config) {
        requireSafetensors(folder);
        Adapter adapter = Adapter.attach(model, config, 0);
        try {
            read(adapter, folder);
        } catch (RuntimeException e) {
            adapter.close();
            throw e;
        }
        return adapter;
    }

    /// Fills an adapter that is on a model with the tensors of a folder.
    public static void read(Adapter adapter, Path folder) {
        try (var file = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
            fill(adapter, file);
        }
    }

    private static void requireSafetensors(Path folder) {
        if (!Files.exists(folder.resolve(WEIGHTS))
                && Files.exists(folder.resolve("adapter_model.bin"))) {
            throw new ModelFormatException(
                    "%s: found adapter_model.bin, expected %s; pickled weights can run code and are not read: load the adapter once with PEFT and save it again with save_pretrained"
                            .formatted(folder, WEIGHTS));
        }
    }

    private static void fill(Adapter adapter, SafetensorsFile file) {
        Set<String> missing = new TreeSet<>(adapter.parameters().keySet());
        missing.removeAll(file.tensors().keySet());
        Set<String> unused = new TreeSet<>(file.tensors().keySet());
        unused.removeAll(adapter.parameters().keySet());
        unused.removeIf(name -> adapter.isOfBase(name, file));
        if (!missing.isEmpty() || !unused.isEmpty()) {
            throw new ModelFormatException(
                    "%s does not fit the model: %s%s; it belongs to another base model or another adapter_config.json"
                            .formatted(
                                    file.path(),
                                    list("missing", missing, file.tensors().keySet()),
                                    list(
                                            missing.isEmpty() ? "not used" : "; not used",
                                            unused,
                                            adapter.parameters().keySet())));
        }
        for (Parameter parameter : adapter.parameters().values()) {
            TensorInfo info = file.tensors().get(parameter.name());
            if (!Arrays.equals(info.shape(), parameter.value().shape())) {
                throw new ModelFormatException(
                        "%s: tensor %s has shape %s, expected %s: the adapter has another rank or belongs to another base model"
                                .formatted(
                                        file.path(),
                                        info.name(),
                                        Arrays.toString(info.shape()),
                                        Arrays.toString(parameter.value().shape())));
            }
            try (var _ = Scope.open("loading adapter")) {
                parameter.value().copyInPlace(file.tensor(info.name()));
            }
        }
    }

    private static String list(String what, Set<String> names, Set<String> others) {
        if (names.isEmpty()) {
            return "";
        }
        String first = names.iterator().next();
        String near =
                others.stream()
                        .filter(o -> !names.contains(o))
                        .min(Comparator.comparingInt(o -> -commonEnd(o, first)))
                        .map(o -> " (nearest: " + o + ")")
                        .orElse("");
        String shown = names.stream().limit(3).collect(Collectors.joining(", "));
        return "%s %d: %s%s%s"
                .formatted(what, names.size(), shown, names.size() > 3 ? ", …" : "", near);
    }

    private static int commonEnd(String a, String b) {
        int n = 0;
        while (n < Math.min(a.length(), b.length())
                && a.charAt(a.length() - 1 - n) == b.charAt(b.length() - 1 - n)) {
            n++;
        }
        return n;
    }
}
