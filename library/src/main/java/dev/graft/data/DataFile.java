package dev.graft.data;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.luben.zstd.ZstdInputStream;
import dev.graft.error.ConfigException;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.zip.GZIPInputStream;

/// A data set file and what its name says that it holds.
record DataFile(Path path, Type type, Compression compression) {
    private static final Pattern KNOWN =
            Pattern.compile("(?i)\\.(json|jsonl|ndjson|csv|tsv|parquet|txt)(\\.(gz|zst))?$");

    enum Compression {
        NONE,
        GZIP,
        ZSTD;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    enum Type {
        JSON,
        JSON_LINES,
        CSV,
        PARQUET,
        TEXT
    }

    /// The file of this path, or all that it matches where it is a glob, in order of name.
    static List<DataFile> find(Path path) {
        if (Files.isRegularFile(path)) {
            return List.of(of(path));
        }
        if (Files.isDirectory(path)) {
            throw new ConfigException(
                    "dataset %s: found a folder, expected a file or a glob such as %s"
                            .formatted(path, path.resolve("*." + usual(path))));
        }
        int wild = 0;
        while (wild < path.getNameCount() && !isWild(path.getName(wild))) {
            wild++;
        }
        if (wild == path.getNameCount()) {
            throw new ConfigException(
                    "dataset %s: there is no such file (looked at %s)"
                            .formatted(path, path.toAbsolutePath()));
        }
        var found = matching(path, wild);
        if (found.isEmpty()) {
            throw new ConfigException("dataset %s: matches no file".formatted(path));
        }
        return found.stream().map(DataFile::of).toList();
    }

    private static boolean isWild(Path name) {
        return name.toString().matches(".*[*?\\[{].*");
    }

    /// @param wild the first part of the pattern that has a wildcard
    private static List<Path> matching(Path pattern, int wild) {
        Path root = pattern.isAbsolute() ? pattern.getRoot() : Path.of("");
        Path folder = wild == 0 ? root : root.resolve(pattern.subpath(0, wild));
        Path rest = pattern.subpath(wild, pattern.getNameCount());
        int depth = rest.toString().contains("**") ? Integer.MAX_VALUE : rest.getNameCount();
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (var files = Files.walk(folder, depth, FileVisitOption.FOLLOW_LINKS)) {
            var matcher = FileSystems.getDefault().getPathMatcher("glob:" + rest);
            return files.filter(file -> matcher.matches(folder.relativize(file)))
                    .filter(Files::isRegularFile)
                    .sorted()
                    .toList();
        } catch (PatternSyntaxException e) {
            throw new ConfigException(
                    "dataset %s: found no file of this name, and as a pattern it is wrong: %s"
                            .formatted(pattern, e.getDescription()),
                    e);
        } catch (IOException | UncheckedIOException e) {
            throw new ConfigException("dataset %s: cannot be listed".formatted(pattern), e);
        }
    }

    /// The ending that a folder's first data file has.
    private static String usual(Path folder) {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .sorted()
                    .map(KNOWN::matcher)
                    .filter(Matcher::find)
                    .map(Matcher::group)
                    .map(ending -> ending.substring(1))
                    .findFirst()
                    .orElse("jsonl");
        } catch (IOException e) {
            throw new ConfigException("dataset %s: cannot be listed".formatted(folder), e);
        }
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
                    default -> throw unknown(path);
                };
        return new DataFile(path, type, compression);
    }

    private static ConfigException unknown(Path path) {
        boolean arrow = path.toString().endsWith(".arrow");
        return new ConfigException(
                "dataset %s: found a file of unknown kind, expected .json, .jsonl, .csv, .tsv, .parquet or .txt (with .gz or .zst too)%s"
                        .formatted(path, arrow ? "; write it anew with Dataset.to_parquet" : ""));
    }

    /// The path with its wildcards escaped: DuckDB takes every path for a glob.
    String globSafe() {
        return path.toString().replaceAll("[\\[*?]", "[$0]");
    }

    /// A text as an SQL literal.
    static String quoted(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    /// The text of the file, unpacked, without a byte order mark.
    BufferedReader lines() throws IOException {
        var reader = new BufferedReader(new InputStreamReader(unpacked(), UTF_8.newDecoder()));
        reader.mark(1);
        if (reader.read() != '\uFEFF') {
            reader.reset();
        }
        return reader;
    }

    private InputStream unpacked() throws IOException {
        var bytes = new BufferedInputStream(Files.newInputStream(path), 1 << 16);
        return switch (compression) {
            case NONE -> bytes;
            case GZIP -> new GZIPInputStream(bytes, 1 << 16);
            case ZSTD -> new ZstdInputStream(bytes);
        };
    }

    ConfigException unreadable(IOException e) {
        if (e instanceof CharacterCodingException) {
            return new ConfigException(
                    "%s line %d: not UTF-8 text; convert the file first, as with iconv -f LATIN1 -t UTF-8 (or -f UTF-16)"
                            .formatted(path, firstBadLine()),
                    e);
        }
        String packed = compression == Compression.NONE ? "" : " as " + compression;
        return new ConfigException(
                "%s: cannot be read%s: %s".formatted(path, packed, e.getMessage()), e);
    }

    /// A decoder stops somewhere in the piece that it was given, so lines are decoded one by one.
    private long firstBadLine() {
        long number = 1;
        try (var bytes = new BufferedReader(new InputStreamReader(unpacked(), ISO_8859_1))) {
            for (String line; (line = bytes.readLine()) != null; number++) {
                UTF_8.newDecoder().decode(ByteBuffer.wrap(line.getBytes(ISO_8859_1)));
            }
        } catch (IOException _) {
            return number;
        }
        return number;
    }
}
