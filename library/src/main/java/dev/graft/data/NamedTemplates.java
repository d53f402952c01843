package dev.graft.data;

import dev.graft.error.ConfigException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// The chat templates that come with Graft, for base models that have none; all of them mark what
/// the assistant writes.
public final class NamedTemplates {
    /// What [ChatTemplate#named] takes.
    public static final List<String> NAMES =
            List.of("alpaca", "chatml", "gemma", "llama3", "mistral", "phi3", "vicuna", "zephyr");

    private NamedTemplates() {}

    /// The text of a template.
    ///
    /// @throws ConfigException for a name that is not one of [#NAMES]
    public static String text(String name) {
        if (!NAMES.contains(name)) {
            throw new ConfigException(
                    "chat_template: found '%s'; expected a file, or one of %s"
                            .formatted(name, String.join(", ", NAMES)));
        }
        String resource = "chat_templates/" + name + ".jinja";
        try (var file = NamedTemplates.class.getResourceAsStream(resource)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(resource, e);
        }
    }
}
