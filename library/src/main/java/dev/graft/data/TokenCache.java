package dev.graft.data;

import dev.graft.disk.CacheFolder;
import dev.graft.error.ConfigException;
import dev.graft.error.TrainingException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.UUID;
import java.util.stream.Stream;

/// Tokenized data sets on disk, so that the second run on the same data starts at once and that
/// memory does not grow with the data.
///
/// An entry's name is a hash of everything that its tokens depend on: the bytes of the files, the
/// tokenizer, the format and the lengths. So it is never stale; one that was not used for thirty
/// days is deleted.
public final class TokenCache {
    /// Counts up when tokens or layout change.
    private static final int VERSION = 2;

    private static final Duration KEPT = Duration.ofDays(30);
    private static final String SUFFIX = ".tokens";

    private final Path folder;

    public TokenCache(Path folder) {
        this.folder = folder;
    }

    /// The folder of this user.
    public static TokenCache ofUser() {
        return new TokenCache(CacheFolder.ofUser("tokens"));
    }

    /// The data set, from disk if it is there; else tokenized and written there first.
    ///
    /// @throws ConfigException where a file, a column or a row is wrong, or nothing is left to
    ///     train
    public Dataset load(DatasetSource source, Tokenization tokenization) {
        Path entry = folder.resolve(key(source, tokenization) + SUFFIX);
        try {
            if (!Files.exists(entry)) {
                make(entry, source, tokenization);
                removeUnused();
            }
            if (Files.isWritable(entry)) {
                Files.setLastModifiedTime(entry, FileTime.from(Instant.now()));
            }
            return TokenFile.open(entry);
        } catch (IOException e) {
            throw new ConfigException(
                    "%s: cannot be read: %s; delete it and start again"
                            .formatted(entry, e.getMessage()),
                    e);
        }
    }

    /// Two runs may make the same entry at a time; each writes a file of its own.
    private void make(Path entry, DatasetSource source, Tokenization tokenization)
            throws IOException {
        Path own = entry.resolveSibling(entry.getFileName() + "." + UUID.randomUUID());
        try {
            TokenFile.write(own, sink -> Dataset.tokenize(source, tokenization, sink));
            Files.move(own, entry, StandardCopyOption.ATOMIC_MOVE);
        } catch (TrainingException e) {
            throw new TrainingException(
                    e.getMessage()
                            + "; GRAFT_CACHE names another folder for tokens, and streaming: true needs none",
                    e);
        }
    }

    private static String key(DatasetSource source, Tokenization tokenization) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            add(digest, VERSION + "\n" + tokenization.identity() + "\n" + source.identity());
            try (var tokenizer = tokenization.tokenizer().json()) {
                add(digest, tokenizer);
            }
            for (Path path : source.files()) {
                for (DataFile file : DataFile.find(path)) {
                    add(digest, file.path().getFileName() + " " + Files.size(file.path()));
                    try (var in = Files.newInputStream(file.path())) {
                        add(digest, in);
                    }
                }
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        } catch (IOException e) {
            throw new ConfigException(
                    "dataset %s: cannot be read: %s".formatted(source.files(), e.getMessage()), e);
        }
    }

    private static void add(MessageDigest digest, String text) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
    }

    private static void add(MessageDigest digest, InputStream in) throws IOException {
        byte[] buffer = new byte[1 << 20];
        for (int n; (n = in.read(buffer)) > 0; ) {
            digest.update(buffer, 0, n);
        }
    }

    private void removeUnused() throws IOException {
        Instant oldest = Instant.now().minus(KEPT);
        try (Stream<Path> entries = Files.list(folder)) {
            entries.filter(file -> file.toString().contains(SUFFIX))
                    .filter(file -> isBefore(file, oldest))
                    .forEach(TokenCache::delete);
        }
    }

    private static boolean isBefore(Path file, Instant oldest) {
        try {
            return Files.getLastModifiedTime(file).toInstant().isBefore(oldest);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
