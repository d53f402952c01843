package dev.graft.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.graft.Shared;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Every real chat template that lies beside the repository, against what Jinja2 made of it.
class JinjaTemplatesTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final ZonedDateTime NOON =
            ZonedDateTime.of(2024, 7, 26, 12, 0, 0, 0, ZoneOffset.UTC);

    @Test
    void realTemplatesRenderAsJinja2DoesByteForByte() throws Exception {
        Path folder = Shared.folder("data/chat_templates");
        int renders = 0;
        List<String> wrong = new ArrayList<>();
        for (String source : List.of("axolotl", "llama.cpp", "trl")) {
            JsonNode golden = JSON.readTree(folder.resolve("golden/" + source + ".json").toFile());
            for (var template : golden.path("templates").properties()) {
                String text = Files.readString(folder.resolve(source).resolve(template.getKey()));
                for (var expected : template.getValue().properties()) {
                    JsonNode input = golden.path("cases").path(expected.getKey());
                    renders++;
                    check(template.getKey(), text, input, expected, wrong);
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(renders).isEqualTo(1127);
    }

    private static void check(
            String name,
            String text,
            JsonNode input,
            Map.Entry<String, JsonNode> expected,
            List<String> wrong) {
        Map<String, Object> variables = new LinkedHashMap<>(Plain.map(input));
        variables.put("bos_token", "<s>");
        variables.put("eos_token", "</s>");
        String place = name + " " + expected.getKey();
        JsonNode output = expected.getValue().path("output");
        try {
            String found =
                    Template.compile(name, text)
                            .render(variables, Limits.DEFAULT, () -> NOON)
                            .text();
            if (!output.isTextual() || !found.equals(output.textValue())) {
                wrong.add(
                        "%s:%n%s%n-- instead of%n%s".formatted(place, found, expected.getValue()));
            }
        } catch (JinjaException e) {
            if (!expected.getValue().has("error")) {
                wrong.add("%s: %s".formatted(place, e.getMessage()));
            }
        }
    }
}
