package dev.graft.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Prompts from a file of JSON lines: the text under `prompt` of each object.
final class Prompts {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Prompts() {}

    /// @throws ConfigException if the file cannot be read, has no prompt, or a line is something
    ///     else
    static List<String> read(Path file) {
        List<String> prompts = new ArrayList<>();
        try {
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                if (!lines.get(i).isBlank()) {
                    prompts.add(prompt(file, i + 1, lines.get(i)));
                }
            }
        } catch (IOException e) {
            throw new ConfigException("%s: cannot be read: %s".formatted(file, e), e);
        }
        if (prompts.isEmpty()) {
            throw new ConfigException(
                    "%s: found no line, expected JSON objects with \"prompt\"".formatted(file));
        }
        return prompts;
    }

    private static String prompt(Path file, int line, String text) {
        JsonNode prompt;
        try {
            prompt = JSON.readTree(text).path("prompt");
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "%s, line %d: found what is not JSON: %s"
                            .formatted(file, line, e.getOriginalMessage()),
                    e);
        }
        if (!prompt.isTextual() || prompt.asText().isEmpty()) {
            throw new ConfigException(
                    "%s, line %d: found %s under \"prompt\", expected a text"
                            .formatted(file, line, prompt.isMissingNode() ? "nothing" : prompt));
        }
        return prompt.asText();
    }
}
