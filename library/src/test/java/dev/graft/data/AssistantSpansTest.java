package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.Shared;
import dev.graft.error.ConfigException;
import dev.graft.jinja.JinjaException;
import dev.graft.jinja.Limits;
import dev.graft.jinja.Template;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AssistantSpansTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final ZonedDateTime NOW = ZonedDateTime.parse("2025-01-02T03:04:05Z");

    static ChatRenderer renderer(Path file) throws IOException {
        var template = Template.compile(file.toString(), Files.readString(file));
        return (messages, tools, prompt, options) -> {
            Map<String, Object> variables = new HashMap<>();
            variables.put("messages", JSON.convertValue(messages, List.class));
            variables.put("tools", tools == null ? null : JSON.convertValue(tools, List.class));
            variables.put("add_generation_prompt", prompt);
            variables.put("bos_token", "<s>");
            variables.put("eos_token", "</s>");
            try {
                return template.render(variables, Limits.DEFAULT, () -> NOW).text();
            } catch (JinjaException e) {
                throw new ConfigException(e.getMessage(), e);
            }
        };
    }

    static Stream<Path> templates() throws IOException {
        var all = new ArrayList<Path>();
        for (String folder : List.of("axolotl", "llama.cpp", "trl")) {
            try (var files = Files.list(Shared.folder("data/chat_templates/" + folder))) {
                files.filter(f -> f.toString().endsWith(".jinja")).sorted().forEach(all::add);
            }
        }
        return all.stream();
    }

    static Conversation conversation(String json) throws IOException {
        var messages = new ArrayList<ObjectNode>();
        for (JsonNode message : JSON.readTree(json.replace('\'', '"'))) {
            messages.add((ObjectNode) message);
        }
        return new Conversation(messages, null);
    }

    static final String FIVE_TURNS =
            """
            [{'role':'user','content':'What is 2+2?'},
             {'role':'assistant','content':'2+2 equals 4.'},
             {'role':'user','content':'And 3 x 3?'},
             {'role':'assistant','content':'Nine 😀, of course.'},
             {'role':'user','content':'Thanks'},
             {'role':'assistant','content':'You are\\nwelcome!'}]
            """;

    private static List<String> trained(AssistantSpans spans, boolean lastOnly) {
        return spans.trained(lastOnly).stream()
                .map(s -> spans.text().substring(s.from(), s.to()))
                .toList();
    }

    /// The golden file was read line by line: each answer, and the mark that ends it where the
    /// template writes one.
    @Test
    void everyTemplateTrainsTheAnswersAndTheirEndTokensAndNothingElse() throws IOException {
        Conversation chat = conversation(FIVE_TURNS);
        JsonNode golden =
                JSON.readTree(
                        AssistantSpansTest.class.getResourceAsStream(
                                "/golden/assistant_spans.json"));
        int seen = 0;
        for (Path file : templates().toList()) {
            String name = file.getParent().getFileName() + "/" + file.getFileName();
            JsonNode expected = golden.path(name);
            if (expected.isTextual()) {
                ChatRenderer renderer = renderer(file);
                assertThatThrownBy(() -> new AssistantSpans(renderer, chat, Set.of()))
                        .as(name)
                        .isInstanceOf(ConfigException.class)
                        .hasMessageContaining(expected.textValue());
            } else {
                var spans = new AssistantSpans(renderer(file), chat, Set.of());
                assertThat(JSON.<JsonNode>valueToTree(trained(spans, false)))
                        .as(name)
                        .isEqualTo(expected);
            }
            seen++;
        }
        assertThat(seen).isEqualTo(golden.size()).isEqualTo(161);
    }

    private static final String CHATML =
            "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content | trim }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }} {{ c.function.arguments | tojson }}</tool_call>{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private static ChatRenderer compiled(String source) {
        var template = Template.compile("test", source);
        return (list, tools, prompt, options) ->
                template.render(
                                Map.of(
                                        "messages",
                                        JSON.convertValue(list, List.class),
                                        "add_generation_prompt",
                                        prompt))
                        .text();
    }

    private static AssistantSpans chatml(String messages) throws IOException {
        ChatRenderer renderer = compiled(CHATML);
        return new AssistantSpans(
                renderer, conversation(messages), Set.of("<|im_start|>", "<|im_end|>"));
    }

    @Test
    void aTurnThatIsClosedByTwoMarksIsTrainedUpToEos() throws IOException {
        ChatRenderer renderer =
                (list, tools, prompt, options) -> {
                    var text = new StringBuilder();
                    list.forEach(
                            m ->
                                    text.append("<|begin|>")
                                            .append(m.path("content").asText())
                                            .append("<|end_response|><|end|>"));
                    return text + "<|begin|>";
                };
        Set<String> special = Set.of("<|begin|>", "<|end_response|>", "<|end|>");
        Conversation chat = conversation(FIVE_TURNS);
        assertThat(trained(new AssistantSpans(renderer, chat, special, "<|end|>"), false))
                .hasSize(3)
                .allMatch(s -> s.endsWith("<|end_response|><|end|>"));
        assertThat(trained(new AssistantSpans(renderer, chat, special, "</s>"), false))
                .hasSize(3)
                .allMatch(s -> s.endsWith("<|end_response|>"));
    }

    /// As Gemma 4 writes calls: what tools answer stands in the same turn, and only after a call.
    private static final String TOOLS_INSIDE =
            "{% for m in messages %}{% if m.role == 'user' %}<|turn>{{ m.content }}<turn|>{% elif m.role == 'assistant' %}<|model>{% if m.tool_calls %}<|call>{{ m.tool_calls[0].function.name }}<call|>{% set next = messages[loop.index] %}{% if next is defined %}<|response>{{ next.content }}<response|>{% endif %}{% endif %}{{ m.content }}<turn|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|model>{% endif %}";

    @Test
    void whatToolsAnswerWithinTheTurnOfTheAssistantIsNotTrained() throws IOException {
        ChatRenderer renderer = compiled(TOOLS_INSIDE);
        for (String content : List.of("", "Look:")) {
            Conversation chat =
                    conversation(
                            """
                            [{'role':'user','content':'Weather?'},
                             {'role':'assistant','content':'%s','tool_calls':[{'function':{'name':'f'}}]},
                             {'role':'tool','content':'rain'},
                             {'role':'assistant','content':'It rains.'}]
                            """
                                    .formatted(content));
            var spans = new AssistantSpans(renderer, chat, Set.of());
            assertThat(spans.text()).contains("<|response>rain<response|>" + content);
            assertThat(String.join("~", trained(spans, false)))
                    .startsWith("<|call>f<call|>")
                    .contains(content)
                    .endsWith("It rains.<turn|>")
                    .doesNotContain("rain<", "response");
        }
    }

    @Test
    void aMarkThatEndsAsAnotherDoesIsTrainedAsAWhole() throws IOException {
        ChatRenderer renderer =
                (list, tools, prompt, options) -> {
                    var text = new StringBuilder();
                    for (ObjectNode m : list) {
                        String end = m.has("tool_calls") ? "<|end_action|>" : "<|end_text|>";
                        text.append("<|begin|>").append(m.path("content").asText()).append(end);
                        text.append("<|end|>\n");
                    }
                    return text + (prompt ? "<|begin|>" : "");
                };
        Conversation chat =
                conversation(
                        "[{'role':'user','content':'Go'},{'role':'assistant','content':'call','tool_calls':[]}]");
        var spans = new AssistantSpans(renderer, chat, Set.of(), "<|end|>");
        assertThat(trained(spans, false)).containsExactly("call<|end_action|><|end|>");
    }

    @Test
    void onlyTheLastTurnIsTrainedWhereThatIsAsked() throws IOException {
        assertThat(trained(chatml(FIVE_TURNS), true))
                .containsExactly("You are\nwelcome!<|im_end|>");
    }

    @Test
    void whatTheTemplateTrimsIsNotTrainedAndWordsThatAreRepeatedAreFound() throws IOException {
        var spans =
                chatml(
                        "[{'role':'user','content':'yes'},{'role':'assistant','content':'  yes '},{'role':'user','content':'yes'},{'role':'assistant','content':''}]");
        assertThat(trained(spans, false)).containsExactly("yes<|im_end|>", "<|im_end|>");
        assertThat(spans.trained(false).getFirst().from())
                .isEqualTo(spans.text().indexOf("assistant\nyes") + 10);
    }

    @Test
    void callsAndReasoningAreTrainedWithTheirMarks() throws IOException {
        assertThat(
                        trained(
                                chatml(
                                        "[{'role':'user','content':'a'},{'role':'assistant','content':'','tool_calls':[{'function':{'name':'f','arguments':{'x':1}}}]},{'role':'tool','content':'2'},{'role':'assistant','content':'b','reasoning_content':'hm'}]"),
                                false))
                .containsExactly(
                        "<tool_call>f {\"x\": 1}</tool_call><|im_end|>",
                        "<think>hm</think>b<|im_end|>");
    }

    @Test
    void aPromptOfMessagesIsNotTrained() throws IOException {
        var template = Template.compile("t", CHATML);
        List<ObjectNode> messages = conversation(FIVE_TURNS).messages();
        var spans =
                new AssistantSpans(
                        (list, tools, prompt, options) ->
                                template.render(
                                                Map.of(
                                                        "messages",
                                                        JSON.convertValue(list, List.class)))
                                        .text(),
                        new Conversation(messages, null, 3, null),
                        Set.of());
        assertThat(trained(spans, false))
                .containsExactly("Nine 😀, of course.<|im_end|>", "You are\nwelcome!<|im_end|>");
    }
}
