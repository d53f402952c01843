package dev.graft.app;

import dev.graft.adapter.PeftFiles;
import dev.graft.error.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Which model a command works on.
final class ModelArguments {
    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "Folder of the base model; may be left out where the adapter names one that"
                            + " exists.")
    private Path model;

    @Option(names = "--adapter", paramLabel = "DIR", description = "Folder of an adapter.")
    private Path adapter;

    @Mixin private QuantizationArguments quantization;

    OpenModel open() {
        Path base = model == null ? baseOfAdapter() : checked(model);
        return OpenModel.open(base, adapter, quantization.load());
    }

    private static Path checked(Path model) {
        boolean isAdapter =
                Files.exists(model.resolve("adapter_config.json"))
                        && !Files.exists(model.resolve("config.json"));
        if (isAdapter) {
            throw new ConfigException(
                    "--model: %s is an adapter, expected its base model there; give this folder as --adapter"
                            .formatted(model));
        }
        return model;
    }

    private Path baseOfAdapter() {
        if (adapter == null) {
            throw new ConfigException(
                    "--model: found nothing, expected the folder of a model (or --adapter with a folder that names one)");
        }
        String base = PeftFiles.readConfig(adapter).baseModel();
        if (base == null || !Files.isDirectory(Path.of(base))) {
            throw new ConfigException(
                    "--model: found nothing, and the base model that %s names (%s) is not a folder here; give its folder"
                            .formatted(adapter, base));
        }
        return Path.of(base);
    }
}
