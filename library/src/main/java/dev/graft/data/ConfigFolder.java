package dev.graft.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/// The JSON files of a model folder, read within bounds.
record ConfigFolder(Path path) {
    private static final int DEEPEST = 100;
    private static final long LARGEST_CONFIG = 32L << 20;
    private static final long LARGEST = 256L << 20;

    /// Refuses what is nested so deeply that a recursive reader might run out of stack.
    static final JsonMapper JSON =
            new JsonMapper(
                    JsonFactory.builder()
                            .streamReadConstraints(
                                    StreamReadConstraints.builder()
                                            .maxNestingDepth(DEEPEST)
                                            .maxDocumentLength(LARGEST)
                                            .build())
                            .build());

    /// An object, empty where there is no such file.
    JsonNode tree(String name) {
        Path file = path.resolve(name);
        if (!Files.exists(file)) {
            return JSON.createObjectNode();
        }
        requireSize(file, LARGEST_CONFIG);
        JsonNode tree;
        try {
            tree = JSON.readTree(file.toFile());
        } catch (IOException e) {
            throw new ModelFormatException("%s: not valid JSON: %s".formatted(file, reason(e)), e);
        }
        if (!tree.isObject()) {
            throw new ModelFormatException(
                    "%s: found %s, expected a JSON object"
                            .formatted(file, excerpt(tree.toString())));
        }
        return tree;
    }

    boolean has(String name) {
        return Files.isRegularFile(path.resolve(name));
    }

    /// @throws ModelFormatException where a file is larger than any tokenizer is
    static void requireSize(Path file, long most) {
        try {
            long size = Files.size(file);
            if (size > most) {
                throw new ModelFormatException(
                        "%s: found %d bytes, expected at most %d".formatted(file, size, most));
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    static void requireTokenizerSize(Path file) {
        requireSize(file, LARGEST);
    }

    static ModelFormatException unreadable(Path file, IOException e) {
        return new ModelFormatException("%s: cannot be read: %s".formatted(file, reason(e)), e);
    }

    /// What an exception says, in one line: those of the JSON reader have more.
    static String reason(IOException e) {
        if (e instanceof JsonProcessingException json && json.getLocation() != null) {
            var at = json.getLocation();
            return "%s (line %d, column %d)"
                    .formatted(json.getOriginalMessage(), at.getLineNr(), at.getColumnNr());
        }
        return e.getMessage();
    }

    /// The error of a value of the configs that is not what it should be.
    ModelFormatException refused(String name, Object found, String expected) {
        return new ModelFormatException(
                "%s: %s: found %s, expected %s"
                        .formatted(
                                path.resolve("tokenizer_config.json"),
                                name,
                                excerpt(found.toString()),
                                expected));
    }

    static String excerpt(String text) {
        return text.length() <= 60 ? text : text.substring(0, 60) + "…";
    }

    /// What is in the folder, for an error message.
    String listing() {
        if (!Files.isDirectory(path)) {
            return Files.exists(path) ? "a file, not a folder" : "nothing at this path";
        }
        try (var files = Files.list(path)) {
            String names =
                    files.map(file -> file.getFileName().toString())
                            .sorted()
                            .limit(20)
                            .collect(Collectors.joining(", "));
            return names.isEmpty() ? "an empty folder" : names;
        } catch (IOException e) {
            return "a folder that cannot be listed (" + e.getMessage() + ")";
        }
    }
}
