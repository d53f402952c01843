package dev.graft.train;

import dev.graft.nn.Parameter;
import java.nio.file.Path;
import java.util.List;

/// What a run trains, and how it is written: an adapter, or a whole model.
public sealed interface Trained permits AdapterTraining, FullTraining {
    List<Parameter> parameters();

    /// Writes the parameters to a folder, in the format in which others read them.
    void write(Path folder);

    /// Reads them back from such a folder, bit by bit.
    void read(Path folder);
}
