package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The chat templates of a model folder, by name.
///
/// @param origin the file that they come from
record ChatTemplateFiles(String origin, Map<String, String> sources) {
    private static final String FILE = "chat_template.jinja";
    private static final String MORE = "additional_chat_templates";
    private static final String CONFIG = "tokenizer_config.json";

    static ChatTemplateFiles read(Path folder) {
        Map<String, String> sources = new LinkedHashMap<>();
        Path file = folder.resolve(FILE);
        if (Files.isRegularFile(file)) {
            sources.put("default", text(file));
        }
        for (Path more : jinjaFiles(folder.resolve(MORE))) {
            String name = more.getFileName().toString();
            sources.put(name.substring(0, name.length() - ".jinja".length()), text(more));
        }
        if (!sources.isEmpty()) {
            return new ChatTemplateFiles(file.toString(), sources);
        }
        Path config = folder.resolve(CONFIG);
        return new ChatTemplateFiles(
                config.toString(),
                ofConfig(config, SpecialTokens.tree(config).path("chat_template")));
    }

    private static List<Path> jinjaFiles(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (var files = Files.list(folder)) {
            return files.filter(one -> one.toString().endsWith(".jinja")).sorted().toList();
        } catch (IOException e) {
            throw new ModelFormatException(
                    "%s: cannot be listed: %s".formatted(folder, e.getMessage()), e);
        }
    }

    static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new ModelFormatException(
                    "%s: not a text in UTF-8: %s".formatted(file, e.getMessage()), e);
        }
    }

    private static Map<String, String> ofConfig(Path file, JsonNode templates) {
        Map<String, String> sources = new LinkedHashMap<>();
        if (templates.isTextual()) {
            sources.put("default", templates.textValue());
        } else if (templates.isObject()) {
            templates
                    .properties()
                    .forEach(entry -> sources.put(entry.getKey(), textual(file, entry.getValue())));
        } else if (templates.isArray()) {
            for (JsonNode one : templates) {
                sources.put(textual(file, one.path("name")), textual(file, one.path("template")));
            }
        } else if (!templates.isMissingNode() && !templates.isNull()) {
            throw wrong(file, templates);
        }
        return sources;
    }

    private static String textual(Path file, JsonNode node) {
        if (!node.isTextual()) {
            throw wrong(file, node);
        }
        return node.textValue();
    }

    private static ModelFormatException wrong(Path file, JsonNode found) {
        return new ModelFormatException(
                "%s: chat_template holds %s; expected a text, or a list of {name, template}"
                        .formatted(file, found.isMissingNode() ? "an entry without" : found));
    }
}
