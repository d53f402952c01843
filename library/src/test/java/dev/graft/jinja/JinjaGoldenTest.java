package dev.graft.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Small templates over the whole language against the real Jinja2 under Transformers' settings
/// (`bench/golden/jinja.py`): texts, spans of generation blocks, kinds of errors.
class JinjaGoldenTest {
    private static final ZonedDateTime TIME =
            ZonedDateTime.of(2024, 7, 6, 15, 4, 5, 678_000, ZoneOffset.UTC);

    @Test
    void everyConstructRendersOrFailsAsInJinja2() throws Exception {
        JsonNode golden;
        try (var file = getClass().getResourceAsStream("/golden/jinja.json")) {
            golden = new JsonMapper().readTree(file);
        }
        Map<String, Object> variables = Plain.map(golden.path("variables"));
        variables.put("documents", null);
        variables.put("add_generation_prompt", false);
        List<String> wrong = new ArrayList<>();
        for (JsonNode expected : golden.path("cases")) {
            String found = outcome(expected.path("template").textValue(), variables);
            String wanted =
                    expected.has("error")
                            ? "error " + expected.path("error").textValue()
                            : expected.path("text").textValue() + spans(expected.path("spans"));
            if (!found.equals(wanted)) {
                wrong.add(
                        "%s%n   found  %s%n   wanted %s %s"
                                .formatted(
                                        expected.path("template"),
                                        found,
                                        wanted,
                                        expected.path("message").asText()));
            }
        }
        assertThat(String.join("\n", wrong)).isEmpty();
        assertThat(golden.path("cases").size()).isGreaterThan(500);
    }

    private static String outcome(String template, Map<String, Object> variables) {
        try {
            var rendered =
                    Template.compile("golden", template)
                            .render(variables, Limits.DEFAULT, () -> TIME);
            var spans = new StringBuilder();
            for (var span : rendered.generatedCodePoints()) {
                spans.append(" [%d,%d]".formatted(span.start(), span.end()));
            }
            return rendered.text() + spans;
        } catch (JinjaException e) {
            assertThat(e.template()).isEqualTo("golden");
            assertThat(e.line()).isPositive();
            return "error " + e.kind();
        }
    }

    private static String spans(JsonNode spans) {
        var text = new StringBuilder();
        spans.forEach(span -> text.append(" " + span));
        return text.toString();
    }
}
