package dev.graft.data;

import dev.graft.error.ConfigException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/// A data set file and what its name says that it holds.
record DataFile(Path path, Type type, Compression compression) {
    enum Compression {
        NONE,
        GZIP,
        ZSTD
    }

    enum Type {
        JSON("JSON"),
        JSON_LINES("JSON Lines"),
        CSV("CSV"),
        PARQUET("Parquet"),
        TEXT("text");

        private final String words;

        Type(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    /// The file of this path, or all that it matches where it is a glob.
    static List<DataFile> find(Path path) {
        if (Files.isRegularFile(path)) {
            return List.of(of(path));
        }
        if (Files.isDirectory(path)) {
            throw new ConfigException(
                    "dataset %s: found a folder, expected a file or a glob such as %s"
                            .formatted(path, path.resolve("*.jsonl")));
        }
        String name = String.valueOf(path.getFileName());
        Path folder = path.toAbsolutePath().getParent();
        boolean glob = name.matches(".*[*?\\[{].*") && folder != null && Files.isDirectory(folder);
        if (glob) {
            var matcher = FileSystems.getDefault().getPathMatcher("glob:" + name);
            Path parent = path.getParent() == null ? Path.of("") : path.getParent();
            try (var files = Files.list(folder)) {
                var found =
                        files.map(Path::getFileName)
                                .filter(matcher::matches)
                                .sorted()
                                .map(parent::resolve)
                                .filter(Files::isRegularFile)
                                .map(DataFile::of)
                                .toList();
                if (!found.isEmpty()) {
                    return found;
                }
            } catch (IOException e) {
                throw new ConfigException("dataset %s: cannot be listed".formatted(path), e);
            }
        }
        throw new ConfigException(
                glob
                        ? "dataset %s: matches no file".formatted(path)
                        : "dataset %s: there is no such file (looked at %s)"
                                .formatted(path, path.toAbsolutePath()));
    }

    private static DataFile of(Path path) {
        String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
        var compression =
                name.endsWith(".gz")
                        ? Compression.GZIP
                        : name.endsWith(".zst") ? Compression.ZSTD : Compression.NONE;
        String plain =
                compression == Compression.NONE ? name : name.substring(0, name.lastIndexOf('.'));
        var type =
                switch (plain.substring(plain.lastIndexOf('.') + 1)) {
                    case "json" -> Type.JSON;
                    case "jsonl", "ndjson" -> Type.JSON_LINES;
                    case "csv", "tsv" -> Type.CSV;
                    case "parquet" -> Type.PARQUET;
                    case "txt" -> Type.TEXT;
                    default ->
                            throw new ConfigException(
                                    "dataset %s: found a file of unknown kind, expected .json, .jsonl, .csv, .tsv, .parquet or .txt (with .gz or .zst too)"
                                            .formatted(path));
                };
        return new DataFile(path, type, compression);
    }

    /// Whether the file is read line by line here: DuckDB miscounts the lines of JSON Lines
    /// and ends at the first that is wrong.
    boolean isPlainJsonLines() {
        return type == Type.JSON_LINES && compression != Compression.ZSTD;
    }

    /// The path with its wildcards escaped: DuckDB takes every path for a glob.
    String globSafe() {
        return path.toString().replaceAll("[\\[*?]", "[$0]");
    }

    /// A text as an SQL literal.
    static String quoted(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    /// The text of the file, unzipped.
    ///
    /// @throws ConfigException for zstd, which only DuckDB unpacks
    BufferedReader lines() throws IOException {
        if (compression == Compression.ZSTD) {
            throw new ConfigException(
                    "%s: %s with .zst is not read, expected .json.zst, .jsonl.zst, .gz or no compression"
                            .formatted(path, type.words()));
        }
        var bytes = Files.newInputStream(path);
        var plain = compression == Compression.GZIP ? new GZIPInputStream(bytes, 1 << 16) : bytes;
        return new BufferedReader(
                new InputStreamReader(plain, StandardCharsets.UTF_8.newDecoder()));
    }
}
