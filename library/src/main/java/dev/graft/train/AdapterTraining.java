package dev.graft.train;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.PeftFiles;
import dev.graft.nn.Parameter;
import java.nio.file.Path;
import java.util.List;

/// Trains an adapter; the base stays as it is.
public record AdapterTraining(Adapter adapter) implements Trained {
    @Override
    public List<Parameter> parameters() {
        return List.copyOf(adapter.parameters().values());
    }

    @Override
    public void write(Path folder) {
        PeftFiles.write(adapter, folder);
    }

    @Override
    public void read(Path folder) {
        PeftFiles.read(adapter, folder);
    }
}
