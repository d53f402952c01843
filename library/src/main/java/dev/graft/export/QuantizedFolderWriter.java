package dev.graft.export;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.disk.AtomicFile;
import dev.graft.format.ModelFiles;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.format.SafetensorsWriter.Entry;
import dev.graft.format.TensorInfo;
import dev.graft.model.Transformer;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.quant.BitsAndBytes;
import dev.graft.quant.QuantizationConfig;
import dev.graft.quant.QuantizedTensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Writes a model whose matrices were quantized while it was loaded, in the files of bitsandbytes:
/// Transformers loads the folder as it is, and Graft without quantizing again.
public final class QuantizedFolderWriter {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ModelFiles base;
    private final Map<String, Linear> linears = new HashMap<>(); // by their names in files

    /// @param base the files that the model was loaded from, still open
    public QuantizedFolderWriter(Transformer model, ModelFiles base) {
        this.base = base;
        model.linears().values().forEach(l -> linears.put(model.fileName(l.name()), l));
    }

    /// Writes the folder; `config.json` goes last, so a folder that has one is complete.
    ///
    /// @param config what `config.json` says of the quantization
    public void write(Path folder, QuantizationConfig config) {
        ObjectNode index = JSON.createObjectNode();
        ObjectNode map = index.putObject("weight_map");
        long total = 0;
        for (SafetensorsFile file : base.files()) {
            List<Entry> entries = entries(file);
            String name = file.path().getFileName().toString();
            SafetensorsWriter.write(folder.resolve(name), entries, Map.of("format", "pt"));
            for (Entry entry : entries) {
                map.put(entry.name(), name);
                total += entry.bytes();
            }
        }
        if (base.files().size() > 1) {
            index.putObject("metadata").put("total_size", total);
            AtomicFile.write(
                    folder.resolve("model.safetensors.index.json"), index.toPrettyString() + "\n");
        }
        ModelFolderWriter.copyCompanions(base.folder(), folder);
        AtomicFile.write(folder.resolve("config.json"), json(config));
    }

    private List<Entry> entries(SafetensorsFile file) {
        List<Entry> entries = new ArrayList<>();
        for (TensorInfo info : file.tensors().values()) {
            String module = info.name().replaceFirst("\\.weight$", "");
            Linear linear = info.name().equals(module) ? null : linears.get(module);
            if (linear != null
                    && linear.weight()
                            instanceof FrozenWeight.Quantized(QuantizedTensor q, var _)) {
                entries.addAll(BitsAndBytes.entries(module, q));
            } else {
                entries.add(
                        new Entry(
                                info.name(),
                                info.dtype(),
                                info.shape(),
                                () -> file.tensor(info.name())));
            }
        }
        return entries;
    }

    private String json(QuantizationConfig config) {
        try {
            String text = Files.readString(base.folder().resolve("config.json"));
            var root = (ObjectNode) JSON.readTree(text);
            root.set("quantization_config", config.toJson());
            return root.toPrettyString() + "\n";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
