package dev.graft.config;

import dev.graft.hub.CachedModels;
import java.nio.file.Path;
import java.util.Optional;

/// The base model and what of it is trained.
///
/// @param modelNameOrPath a folder, or the name of a model that is in the cache
/// @param modelRevision branch, tag or commit of a model by name
/// @param device auto, or a device's name
public record ModelOptions(
        String modelNameOrPath,
        String modelRevision,
        String adapter,
        FinetuningType finetuningType,
        String device) {
    public ModelOptions {
        Keys.MODEL.check(modelNameOrPath);
        Keys.MODEL_REVISION.check(modelRevision);
        Keys.DEVICE.check(device);
    }

    /// The adapter to go on from.
    public Optional<String> adapterNameOrPath() {
        return Optional.ofNullable(adapter);
    }

    /// Folder of the base model.
    ///
    /// @throws dev.graft.error.ConfigException if it is a name, and not in the cache
    public Path folder() {
        return CachedModels.system().folder(Keys.MODEL.name(), modelNameOrPath, modelRevision);
    }

    /// Folder of the adapter to go on from.
    ///
    /// @throws dev.graft.error.ConfigException if it is a name, and not in the cache
    public Optional<Path> adapterFolder() {
        return adapterNameOrPath()
                .map(a -> CachedModels.system().folder(Keys.ADAPTER.name(), a, CachedModels.MAIN));
    }
}
