package dev.graft.hub;

import dev.graft.error.ConfigException;
import dev.graft.error.TrainingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.UUID;

/// The folder of one repository in the cache, laid out as `huggingface_hub` does:
///
/// ```
/// models--org--name/blobs/ETAG              contents, named by their hash
/// models--org--name/snapshots/COMMIT/NAME   links to them
/// models--org--name/refs/REVISION           the commit of a branch or tag
/// .locks/models--org--name/ETAG.lock
/// ```
///
/// Source: `huggingface_hub/file_download.py`.
record RepoCache(Path root, RepoId repo) {
    private static final String TAG =
            """
            Signature: 8a477f597d28d172789f06886806bc55
            # This file is a cache directory tag created by huggingface_hub.
            # For information about cache directory tags, see:
            #\thttps://bford.info/cachedir/
            """;

    Path folder() {
        return root.resolve(repo.folder());
    }

    Path blob(String etag) {
        return folder().resolve("blobs").resolve(etag);
    }

    /// What has arrived of a blob so far.
    Path partial(String etag) {
        return folder().resolve("blobs").resolve(etag + ".incomplete");
    }

    Path lock(String etag) {
        return root.resolve(".locks").resolve(repo.folder()).resolve(etag + ".lock");
    }

    Path snapshot(String commit) {
        return folder().resolve("snapshots").resolve(commit);
    }

    /// Whether the content of a file is here and as long as it should be.
    boolean has(RemoteFile file) {
        try {
            Path blob = blob(file.etag());
            return Files.isRegularFile(blob) && Files.size(blob) == file.size();
        } catch (IOException e) {
            throw cannotWrite(blob(file.etag()), e);
        }
    }

    /// The commit that a revision stood for when it was last fetched.
    ///
    /// @throws ConfigException if the revision is no name, or its file holds something else
    Optional<String> commit(String revision) {
        requireRevision(revision);
        if (Listing.COMMIT.matcher(revision).matches()) {
            return Optional.of(revision);
        }
        Path ref = folder().resolve("refs").resolve(revision);
        try {
            String commit = Files.readString(ref).strip();
            if (Listing.COMMIT.matcher(commit).matches()) {
                return Optional.of(commit);
            }
            throw new ConfigException(
                    "%s: found '%s', expected a commit of 40 hexadecimal digits; ./graft pull %s writes it again"
                            .formatted(ref, SafeName.shown(commit), repo));
        } catch (NoSuchFileException _) {
            return Optional.empty();
        } catch (IOException e) {
            throw new ConfigException("%s cannot be read: %s".formatted(ref, e), e);
        }
    }

    /// @throws ConfigException if a revision could not be the name of a branch, tag or commit
    static void requireRevision(String revision) {
        if (!SafeName.is(revision)) {
            throw new ConfigException(
                    "revision '%s': expected a branch, a tag or a commit"
                            .formatted(SafeName.shown(revision)));
        }
    }

    /// Makes the folders, and marks the cache as one for backup programs.
    void prepare() {
        try {
            Files.createDirectories(folder().resolve("blobs"));
            Path tag = root.resolve("CACHEDIR.TAG");
            if (!Files.exists(tag)) {
                writeWhole(tag, TAG);
            }
        } catch (IOException e) {
            throw cannotWrite(folder(), e);
        }
    }

    /// Remembers what a branch or tag stands for; a commit stands for itself.
    void writeRef(String revision, String commit) {
        if (revision.equals(commit)) {
            return;
        }
        Path ref = folder().resolve("refs").resolve(revision);
        try {
            Files.createDirectories(ref.getParent());
            writeWhole(ref, commit);
        } catch (IOException e) {
            throw cannotWrite(ref, e);
        }
    }

    private static void writeWhole(Path file, String text) throws IOException {
        Path temporary = temporary(file);
        try {
            Files.writeString(temporary, text, StandardCharsets.UTF_8);
            Files.move(
                    temporary,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static Path temporary(Path file) {
        String random = UUID.randomUUID().toString().substring(0, 8);
        return file.resolveSibling("%s.%s.tmp".formatted(file.getFileName(), random));
    }

    /// Puts a file of the cache under its name in a snapshot: a link, or where there are none a
    /// second name of the same file, or a copy.
    void link(String commit, RemoteFile file, boolean symlinks) {
        Path pointer = snapshot(commit).resolve(file.name());
        Path blob = blob(file.etag());
        try {
            if (Files.exists(pointer) && Files.size(pointer) == file.size()) {
                return;
            }
            Files.createDirectories(pointer.getParent());
            Path temporary = temporary(pointer);
            try {
                if (!symlinks || !symlink(temporary, pointer.getParent().relativize(blob))) {
                    copy(blob, temporary);
                }
                Files.move(
                        temporary,
                        pointer,
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(temporary);
            }
        } catch (IOException e) {
            throw cannotWrite(pointer, e);
        }
    }

    /// Whether a link could be made: some systems have none, some ask for rights.
    private static boolean symlink(Path link, Path target) throws FileAlreadyExistsException {
        try {
            Files.createSymbolicLink(link, target);
            return true;
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (IOException | UnsupportedOperationException _) {
            return false;
        }
    }

    private static void copy(Path blob, Path target) throws IOException {
        try {
            Files.createLink(target, blob);
        } catch (IOException | UnsupportedOperationException _) {
            Files.copy(blob, target);
        }
    }

    /// What to say of a disk that does not take a file.
    static TrainingException cannotWrite(Path path, IOException cause) {
        String why = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        return new TrainingException(
                "cannot write %s: %s; nothing stands under a final name that is not whole; free some space, or set HF_HUB_CACHE to another folder, and run the same command again to go on"
                        .formatted(path, why),
                cause);
    }
}
