package dev.graft.train;

import dev.graft.error.ModelFormatException;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.nn.Parameter;
import dev.graft.tensor.Scope;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Trains every weight of the model.
///
/// @param parameters by their names in the model's files
public record FullTraining(List<Parameter> parameters) implements Trained {
    private static final String WEIGHTS = "model.safetensors";

    public FullTraining {
        parameters = List.copyOf(parameters);
    }

    @Override
    public void write(Path folder) {
        List<SafetensorsWriter.Entry> entries =
                parameters.stream()
                        .map(p -> SafetensorsWriter.Entry.of(p.name(), p.value()))
                        .toList();
        SafetensorsWriter.write(folder.resolve(WEIGHTS), entries, Map.of("format", "pt"));
    }

    @Override
    public void read(Path folder) {
        try (var file = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
            if (file.tensors().size() != parameters.size()) {
                throw new ModelFormatException(
                        "%s: found %d tensors, expected %d: the checkpoint belongs to another model"
                                .formatted(file.path(), file.tensors().size(), parameters.size()));
            }
            for (Parameter parameter : parameters) {
                try (var _ = Scope.open("reading " + parameter.name())) {
                    parameter.value().copyInPlace(file.tensor(parameter.name()));
                }
            }
        }
    }
}
