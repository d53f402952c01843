package dev.graft.hub;

import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Finds models by name among those that are in the cache already, whoever put them there. Never
/// fetches anything.
public record CachedModels(Path cache) {
    /// The revision that is meant where none is given.
    public static final String MAIN = "main";

    /// The cache that this process's environment names.
    public static CachedModels system() {
        return new CachedModels(HubSettings.Environment.system().cache());
    }

    /// The cache that some variables name.
    static CachedModels of(Map<String, String> variables, Path home) {
        return new CachedModels(new HubSettings.Environment(variables, home).cache());
    }

    /// The folder that a text means: itself where that exists, else the snapshot of the model of
    /// that name. A text that is neither stays a path, for its reader to refuse.
    ///
    /// @param key the config key or option that the text stands under, for errors
    /// @param revision branch, tag or commit
    /// @throws ConfigException if it is the name of a model and not, or not whole, in the cache
    public Path folder(String key, String nameOrPath, String revision) {
        Path path;
        try {
            path = Path.of(nameOrPath);
        } catch (InvalidPathException e) {
            throw new ConfigException(
                    "%s: found '%s', expected a folder or the name of a model"
                            .formatted(key, SafeName.shown(nameOrPath)),
                    e);
        }
        Optional<RepoId> repo = RepoId.of(nameOrPath);
        if (Files.exists(path) || repo.isEmpty()) {
            return path;
        }
        Optional<Path> snapshot = snapshot(key, repo.get(), revision);
        if (snapshot.isEmpty() && repo.get().hasOwner()) {
            throw new ConfigException(
                    "%s: %s is no folder here and no model in the cache %s%s; expected a folder, or fetch it first: %s"
                            .formatted(
                                    key,
                                    nameOrPath,
                                    cache,
                                    at(revision),
                                    pull(repo.get(), revision)));
        }
        return snapshot.orElse(path);
    }

    /// The name of a model's snapshot, if it is here.
    private Optional<Path> snapshot(String key, RepoId repo, String revision) {
        var folder = new RepoCache(cache, repo);
        Optional<Path> snapshot =
                folder.commit(revision).map(folder::snapshot).filter(Files::isDirectory);
        List<String> missing = snapshot.map(CachedModels::missing).orElse(List.of());
        if (!missing.isEmpty()) {
            throw new ConfigException(
                    "%s: %s%s is in the cache, but not whole: %s has no %s; fetch the rest: %s"
                            .formatted(
                                    key,
                                    repo,
                                    at(revision),
                                    snapshot.get(),
                                    String.join(", ", missing),
                                    pull(repo, revision)));
        }
        return snapshot;
    }

    private static String at(String revision) {
        return revision.equals(MAIN) ? "" : " at revision " + revision;
    }

    private static String pull(RepoId repo, String revision) {
        String option = revision.equals(MAIN) ? "" : " --revision " + revision;
        return "./graft pull " + repo + option;
    }

    /// What a snapshot lacks to be a model or an adapter.
    private static List<String> missing(Path snapshot) {
        boolean model = Files.exists(snapshot.resolve(NeededFiles.CONFIG));
        boolean adapter = Files.exists(snapshot.resolve(NeededFiles.ADAPTER_CONFIG));
        if (!model && !adapter) {
            return List.of(NeededFiles.CONFIG);
        }
        if (adapter && Files.exists(snapshot.resolve(NeededFiles.ADAPTER_WEIGHTS))) {
            return List.of();
        }
        if (adapter && !model) {
            return List.of(NeededFiles.ADAPTER_WEIGHTS);
        }
        if (Files.exists(snapshot.resolve(NeededFiles.WEIGHTS))) {
            return List.of();
        }
        return missingShards(snapshot);
    }

    private static List<String> missingShards(Path snapshot) {
        Path index = snapshot.resolve(ShardIndex.FILE);
        if (!Files.exists(index)) {
            return List.of(NeededFiles.WEIGHTS);
        }
        try {
            var missing = new ArrayList<String>();
            for (String shard : ShardIndex.shards(Files.readString(index), index.toString())) {
                if (!Files.exists(snapshot.resolve(shard))) {
                    missing.add(shard);
                }
            }
            return missing;
        } catch (IOException e) {
            throw new ConfigException("%s cannot be read: %s".formatted(index, e), e);
        }
    }
}
