package dev.graft.app;

import dev.graft.adapter.PeftFiles;
import dev.graft.config.Placement;
import dev.graft.error.ConfigException;
import dev.graft.hub.CachedModels;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Which model a command works on.
final class ModelArguments {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description =
                    "The base model: a folder, or the org/name of one that was pulled; may be left"
                            + " out where the adapter names one that is here.")
    private String model;

    @Option(
            names = "--model-revision",
            paramLabel = "REV",
            defaultValue = CachedModels.MAIN,
            description = "Branch, tag or commit of a model by name (default ${DEFAULT-VALUE}).")
    private String revision;

    @Option(
            names = "--adapter",
            paramLabel = "ADAPTER",
            description = "An adapter: a folder, or the org/name of one that was pulled.")
    private String adapter;

    @Mixin private QuantizationArguments quantization;

    /// On the processor, in float32.
    OpenModel open() {
        return open(Placement.PROCESSOR);
    }

    OpenModel open(Placement placement) {
        CachedModels models = CachedModels.system();
        Path adapterFolder =
                adapter == null ? null : models.folder("--adapter", adapter, CachedModels.MAIN);
        Path base =
                model == null
                        ? baseOf(adapterFolder, models)
                        : checked(models.folder("--model", model, revision));
        return OpenModel.open(base, adapterFolder, quantization.load(), placement);
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

    private Path baseOf(Path adapterFolder, CachedModels models) {
        if (adapterFolder == null) {
            throw new ConfigException(
                    "--model: found nothing, expected a model (or --adapter with an adapter that names one)");
        }
        String base = PeftFiles.readConfig(adapterFolder).baseModel();
        Path folder =
                base == null ? null : models.folder("the base model of " + adapter, base, revision);
        if (folder == null || !Files.isDirectory(folder)) {
            throw new ConfigException(
                    "--model: found nothing, and the base model that %s names (%s) is not a folder here; give its folder"
                            .formatted(adapter, base));
        }
        return folder;
    }
}
