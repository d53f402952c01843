package dev.graft.app;

import dev.graft.error.ConfigException;
import dev.graft.error.TrainingException;
import dev.graft.export.ModelFolderWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// A folder that appears whole or not at all: filled under another name, then renamed.
final class NewFolder {
    private NewFolder() {}

    /// Fills `folder`, which must not exist or be empty.
    static void write(Path folder, Consumer<Path> content) {
        ModelFolderWriter.requireEmpty("--output", folder, "choose another folder");
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new ConfigException(
                    "--output: %s is a file; expected a folder".formatted(folder));
        }
        Path absolute = folder.toAbsolutePath().normalize();
        Path part = absolute.resolveSibling(absolute.getFileName() + ".part");
        try {
            delete(part);
            Files.createDirectories(part);
            content.accept(part);
            Files.move(part, absolute, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | UncheckedIOException e) {
            throw new TrainingException(
                    "cannot write %s: %s; nothing was left half-written"
                            .formatted(folder, e.getMessage()),
                    e);
        } finally {
            deleteQuietly(part);
        }
    }

    private static void deleteQuietly(Path part) {
        try {
            delete(part);
        } catch (IOException _) {
            // The failure that led here is the one to report.
        }
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> entries = Files.walk(folder)) {
            for (Path path : entries.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
