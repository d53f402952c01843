package dev.graft.app;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.PeftFiles;
import dev.graft.config.Placement;
import dev.graft.data.Tokenizer;
import dev.graft.format.ModelFiles;
import dev.graft.model.LoadOptions;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLoader;
import dev.graft.model.Transformer;
import java.nio.file.Path;

/// A base model with an adapter on it, if any, and the tokenizer when it is asked for.
final class OpenModel implements AutoCloseable {
    private final ModelFiles files;
    private final Transformer model;
    private final Adapter adapter;
    private Tokenizer tokenizer;

    private OpenModel(ModelFiles files, Transformer model, Adapter adapter) {
        this.files = files;
        this.model = model;
        this.adapter = adapter;
    }

    /// @param adapter folder, or null for the base alone
    static OpenModel open(Path base, Path adapter) {
        return open(base, adapter, LoadOptions.PLAIN);
    }

    static OpenModel open(Path base, Path adapter, LoadOptions options) {
        return open(base, adapter, options, Placement.PROCESSOR);
    }

    static OpenModel open(Path base, Path adapter, LoadOptions options, Placement placement) {
        ModelConfig config = ModelConfig.read(base);
        var files = ModelFiles.open(base);
        Transformer model = null;
        try {
            LoadOptions placed = options.on(placement.device());
            model = ModelLoader.load(config, files, placement.compute(), placed);
            return new OpenModel(
                    files, model, adapter == null ? null : PeftFiles.load(model, adapter));
        } catch (RuntimeException e) {
            if (model != null) {
                model.close();
            }
            files.close();
            throw e;
        }
    }

    ModelFiles files() {
        return files;
    }

    Transformer model() {
        return model;
    }

    Tokenizer tokenizer() {
        if (tokenizer == null) {
            tokenizer = Tokenizer.load(files.folder());
        }
        return tokenizer;
    }

    /// Tensors of the base that the adapter changes.
    long changedTensors() {
        if (adapter == null) {
            return 0;
        }
        // Two parameters, A and B, change one tensor.
        return adapter.parameters().keySet().stream()
                .filter(name -> !name.endsWith(".lora_A.weight"))
                .count();
    }

    @Override
    public void close() {
        if (tokenizer != null) {
            tokenizer.close();
        }
        if (adapter != null) {
            adapter.close();
        }
        model.close();
        files.close();
    }
}
