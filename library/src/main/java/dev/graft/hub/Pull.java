package dev.graft.hub;

import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.error.TrainingException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/// Fetches a model from a hub into the cache: lists it, chooses the files that are needed, asks
/// for the hash of each, fetches some at once, and makes the snapshot visible when all are there.
///
/// ```java
/// Path folder = new Pull(HubSettings.system(), PullListener.NONE)
///         .run(new RepoId("org/name"), "main").folder();
/// ```
public final class Pull {
    private static final int LISTING_LIMIT = 32 << 20;
    private static final int INDEX_LIMIT = 64 << 20;
    private static final int AT_ONCE = 4;

    private final HubSettings settings;
    private final Patience patience;
    private final PullListener listener;

    public Pull(HubSettings settings, PullListener listener) {
        this(settings, Patience.USUAL, listener);
    }

    Pull(HubSettings settings, Patience patience, PullListener listener) {
        this.settings = settings;
        this.patience = patience;
        this.listener = new OneAtATime(listener);
    }

    /// Fetches what is missing of a model.
    ///
    /// @param revision branch, tag or commit
    /// @throws ConfigException if the hub does not give it, or it has nothing to load safely
    /// @throws ModelFormatException if an answer or a content is not what it should be
    /// @throws TrainingException if the network or the disk fails; what arrived is kept
    public Pulled run(RepoId repo, String revision) {
        if (settings.offline()) {
            throw new ConfigException(
                    "HF_HUB_OFFLINE is set, so nothing is fetched; unset it to pull %s"
                            .formatted(repo));
        }
        RepoCache.requireRevision(revision);
        try (var client = new HubClient(settings, patience)) {
            return new Repository(client, repo, revision).pull();
        }
    }

    /// One repository at one revision.
    private final class Repository {
        private final HubClient client;
        private final RepoId repo;
        private final String revision;
        private final RepoCache cache;
        private String commit;

        Repository(HubClient client, RepoId repo, String revision) {
            this.client = client;
            this.repo = repo;
            this.revision = revision;
            this.cache = new RepoCache(settings.cache(), repo);
        }

        Pulled pull() {
            Listing listing = listing();
            commit = listing.commit();
            Set<String> names =
                    new NeededFiles(repo, listing.files().keySet())
                            .choose(() -> text(uri(ShardIndex.FILE), ShardIndex.FILE, INDEX_LIMIT));
            List<RemoteFile> files =
                    AtOnce.all(AT_ONCE, names, name -> describe(name, listing.files().get(name)));
            requireSpace(files);
            listener.planned(commit, files);
            cache.prepare();
            AtOnce.all(AT_ONCE, largestFirst(files), this::fetch);
            // What makes a folder a model comes last, so that a snapshot that has it is whole.
            files.stream()
                    .sorted(Comparator.comparing(RemoteFile::name, this::configsLast))
                    .forEach(f -> cache.link(commit, f, settings.symlinks()));
            cache.writeRef(revision, commit);
            long bytes = files.stream().mapToLong(RemoteFile::size).sum();
            return new Pulled(cache.snapshot(commit), commit, files.size(), bytes);
        }

        private int configsLast(String a, String b) {
            return Boolean.compare(isConfig(a), isConfig(b));
        }

        private boolean isConfig(String name) {
            return name.equals(NeededFiles.CONFIG) || name.equals(NeededFiles.ADAPTER_CONFIG);
        }

        private Listing listing() {
            URI uri =
                    client.uri(
                            "/api/models/%s/revision/%s?blobs=true"
                                    .formatted(repo, escaped(revision)));
            return Listing.parse(text(uri, "", LISTING_LIMIT), HubClient.place(uri));
        }

        private URI uri(String name) {
            String path =
                    Arrays.stream(name.split("/"))
                            .map(Pull::escaped)
                            .collect(Collectors.joining("/"));
            return client.uri("/%s/resolve/%s/%s".formatted(repo, commit, path));
        }

        /// @param name of the file, empty for the repository
        private String text(URI uri, String name, int limit) {
            return persistently(
                    name,
                    () -> {
                        try (Answer answer = client.get(uri, 0)) {
                            refusal(name).check(answer);
                            return HubClient.text(answer, limit);
                        }
                    });
        }

        private <T> T persistently(String name, Attempt<T> attempt) {
            var retries = new Retries(name.isEmpty() ? repo.text() : name, patience, listener);
            while (true) {
                try {
                    return attempt.once();
                } catch (IOException e) {
                    retries.failed(e);
                }
            }
        }

        private Refusal refusal(String name) {
            Optional<String> what = name.isEmpty() ? Optional.empty() : Optional.of(name);
            return new Refusal(settings, repo, revision, what);
        }

        private RemoteFile describe(String name, OptionalLong listed) {
            return persistently(
                    name,
                    () -> {
                        try (Answer answer = client.head(uri(name))) {
                            refusal(name).check(answer);
                            return describe(name, answer, listed);
                        }
                    });
        }

        private RemoteFile describe(String name, Answer answer, OptionalLong listed) {
            String told = answer.header("X-Repo-Commit").orElse("");
            if (!told.equals(commit)) {
                throw new ModelFormatException(
                        "%s: the server answers for the commit '%s', expected %s; check that HF_ENDPOINT is a hub, and proxies between"
                                .formatted(name, SafeName.shown(told), commit));
            }
            String etag = answer.header("X-Linked-ETag").or(() -> answer.header("ETag")).orElse("");
            Optional<String> size = answer.header("X-Linked-Size");
            if (size.isEmpty() && !answer.isRedirect()) {
                size = answer.header("Content-Length");
            }
            return new RemoteFile(
                    name,
                    etag.replaceFirst("^W/", "").replace("\"", ""),
                    size.map(text -> size(name, text)).orElse(listed.orElse(-1)));
        }

        private long size(String name, String text) {
            if (!text.matches("\\d{1,18}")) {
                throw new ModelFormatException(
                        "%s: the server says that it has '%s' bytes, expected a number"
                                .formatted(name, SafeName.shown(text)));
            }
            return Long.parseLong(text);
        }

        private RemoteFile fetch(RemoteFile file) {
            new Download(client, cache, refusal(file.name()), patience, listener)
                    .run(uri(file.name()), file);
            return file;
        }

        private List<RemoteFile> largestFirst(List<RemoteFile> files) {
            return files.stream()
                    .sorted(Comparator.comparingLong(RemoteFile::size).reversed())
                    .toList();
        }

        private void requireSpace(List<RemoteFile> files) {
            long needed = 0;
            for (RemoteFile file : files) {
                needed += cache.has(file) ? 0 : file.size() - sizeOf(cache.partial(file.etag()));
            }
            long free = free();
            if (needed > free) {
                throw new TrainingException(
                        "%s: %,d bytes are to be fetched and the disk of %s has %,d left; free some space, or set HF_HUB_CACHE to a folder of another disk"
                                .formatted(repo, needed, settings.cache(), free));
            }
        }

        private long free() {
            Path folder = settings.cache();
            while (!Files.exists(folder)) {
                folder = folder.getParent();
            }
            try {
                return Files.getFileStore(folder).getUsableSpace();
            } catch (IOException e) {
                throw RepoCache.cannotWrite(folder, e);
            }
        }

        private static long sizeOf(Path file) {
            try {
                return Files.isRegularFile(file) ? Files.size(file) : 0;
            } catch (IOException e) {
                throw RepoCache.cannotWrite(file, e);
            }
        }
    }

    /// Something that the network may spoil.
    @FunctionalInterface
    private interface Attempt<T> {
        T once() throws IOException;
    }

    private static String escaped(String part) {
        return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
