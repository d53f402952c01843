package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.graft.Shared;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.jinja.JinjaException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
    private static final Map<String, String> TOKENS =
            Map.of("bos_token", "<s>", "eos_token", "</s>");

    @TempDir Path folder;

    private static JsonNode json(String text) {
        try {
            return new JsonMapper().readTree(text.replace('\'', '"'));
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new AssertionError(text, e);
        }
    }

    private static final JsonNode TALK =
            json(
                    "[{'role':'system','content':'Be brief.'},{'role':'user','content':'Hi'},{'role':'assistant','content':'Hello'},{'role':'user','content':'Bye'}]");

    private void write(String name, String text) throws Exception {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private String rendered(ChatInput input) {
        return ChatTemplate.ofModel(folder).orElseThrow().render(input).text();
    }

    @Test
    void aFileOfItsOwnWinsOverTheTokenizersConfig() throws Exception {
        write("tokenizer_config.json", "{\"chat_template\": \"old\"}");
        assertThat(rendered(ChatInput.of(TALK))).isEqualTo("old");
        write("chat_template.jinja", "new");
        assertThat(rendered(ChatInput.of(TALK))).isEqualTo("new");
        assertThat(ChatTemplate.ofModel(folder).orElseThrow().origin())
                .endsWith("chat_template.jinja");
    }

    @Test
    void aBaseModelHasNoTemplate() throws Exception {
        assertThat(ChatTemplate.ofModel(folder)).isEmpty();
        write("tokenizer_config.json", "{\"chat_template\": null}");
        assertThat(ChatTemplate.ofModel(folder)).isEmpty();
    }

    @Test
    void toolsChooseTheTemplateForTools() throws Exception {
        write(
                "tokenizer_config.json",
                "{\"chat_template\": [{\"name\": \"default\", \"template\": \"plain\"}, {\"name\": \"tool_use\", \"template\": \"{{ tools|length }} tools\"}]}");
        assertThat(rendered(ChatInput.of(TALK))).isEqualTo("plain");
        assertThat(rendered(ChatInput.of(TALK).withTools(json("[]")))).isEqualTo("0 tools");
        assertThat(rendered(ChatInput.of(TALK).withTools(json("null")))).isEqualTo("plain");
        write("chat_template.jinja", "file");
        write("additional_chat_templates/tool_use.jinja", "file with tools");
        assertThat(rendered(ChatInput.of(TALK).withTools(json("[]")))).isEqualTo("file with tools");
        assertThat(ChatTemplate.chosen("tool_use", folder).render(ChatInput.of(TALK)).text())
                .isEqualTo("file with tools");
    }

    @Test
    void severalTemplatesWithoutADefaultAreAnErrorThatNamesThem() throws Exception {
        write("additional_chat_templates/rag.jinja", "r");
        write("additional_chat_templates/plain.jinja", "p");
        assertThatThrownBy(() -> rendered(ChatInput.of(TALK)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("[plain, rag]");
    }

    @Test
    void specialTokensComeAsTransformersPassesThem() throws Exception {
        write(
                "chat_template.jinja",
                "{{ bos_token }}{{ eos_token }}{{ image_token }}[{{ pad_token }}]{{ unk_token }}");
        write(
                "tokenizer_config.json",
                "{\"bos_token\": \"<b>\", \"eos_token\": {\"content\": \"<e>\"}, \"pad_token\": null, \"extra_special_tokens\": {\"image_token\": \"<i>\"}}");
        write(
                "special_tokens_map.json",
                "{\"bos_token\": \"<B>\", \"unk_token\": {\"content\": \"<u>\"}}");
        assertThat(rendered(ChatInput.of(TALK))).isEqualTo("<B><e><i>[]<u>");
        write(
                "tokenizer_config.json",
                "{\"bos_token\": \"<b>\", \"eos_token\": \"<e>\", \"added_tokens_decoder\": {}}");
        assertThat(rendered(ChatInput.of(TALK))).isEqualTo("<b><e>[]");
    }

    @Test
    void numbersAndKeysStayAsTheyAreInTheFile() throws Exception {
        write("chat_template.jinja", "{{ messages|tojson }} {{ messages[0].n / 2 }}");
        var messages =
                json("[{'n':4,'f':4.0,'e':1e3,'big':123456789012345678901,'z':null,'a':[]}]");
        assertThat(rendered(ChatInput.of(messages)))
                .isEqualTo(
                        "[{\"n\": 4, \"f\": 4.0, \"e\": 1000.0, \"big\": 123456789012345678901, \"z\": null, \"a\": []}] 2.0");
    }

    @Test
    void otherVariablesWinOverSpecialTokens() throws Exception {
        write("chat_template.jinja", "{{ enable_thinking }}{{ bos_token }}{{ documents is none }}");
        write("tokenizer_config.json", "{\"bos_token\": \"<b>\"}");
        var input =
                new ChatInput(
                        TALK,
                        null,
                        null,
                        false,
                        Map.of("enable_thinking", json("false"), "bos_token", json("'x'")));
        assertThat(rendered(input)).isEqualTo("FalsexTrue");
    }

    @Test
    void aRefusalOfTheTemplateIsTheUsersError() throws Exception {
        write("chat_template.jinja", "\n{{ raise_exception('no system role') }}");
        assertThatThrownBy(() -> rendered(ChatInput.of(TALK)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("chat_template.jinja:2: no system role")
                .hasMessageContaining("refuses")
                .satisfies(
                        e ->
                                assertThat(((JinjaException) e.getCause()).kind())
                                        .isEqualTo(JinjaException.Kind.RAISED));
    }

    @Test
    void aTemplateThatIsNoneIsAnErrorOfItsFile() throws Exception {
        write("chat_template.jinja", "{% if %}");
        assertThatThrownBy(() -> ChatTemplate.ofModel(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("chat_template.jinja:1");
        Files.delete(folder.resolve("chat_template.jinja"));
        write("tokenizer_config.json", "{\"chat_template\": 5}");
        assertThatThrownBy(() -> ChatTemplate.ofModel(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("chat_template holds 5");
    }

    @Test
    void aFileOrANameMayBeChosen() throws Exception {
        write("own.jinja", "mine {{ eos_token }}");
        write("tokenizer_config.json", "{\"eos_token\": \"</s>\"}");
        String file = folder.resolve("own.jinja").toString();
        assertThat(ChatTemplate.chosen(file, folder).render(ChatInput.of(TALK)).text())
                .isEqualTo("mine </s>");
        assertThat(ChatTemplate.chosen("zephyr", folder).render(ChatInput.of(TALK)).text())
                .startsWith("<|system|>\nBe brief.</s>\n");
        assertThatThrownBy(() -> ChatTemplate.chosen("zefyr", folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("found 'zefyr'")
                .hasMessageContaining("chatml");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "alpaca", "chatml", "gemma", "llama3", "mistral", "phi3", "vicuna", "zephyr"
            })
    void namedTemplatesMarkWhatTheAssistantWrites(String name) {
        var template = ChatTemplate.named(name, TOKENS);
        var input = ChatInput.of(TALK).withGenerationPrompt(true);
        var rendered = template.render(input);
        assertThat(template.marksGeneration(input)).isTrue();
        assertThat(rendered.generated()).hasSize(1);
        var span = rendered.generated().getFirst();
        String written = rendered.text().substring(span.start(), span.end());
        assertThat(written.strip()).matches("(?s)Hello(</s>|<.*>)");
        assertThat(rendered.text()).contains("Be brief.", "Hi", "Bye");
        String longer = template.render(input.withGenerationPrompt(true)).text();
        assertThat(longer).startsWith(template.render(ChatInput.of(TALK)).text());
    }

    @ParameterizedTest
    @CsvSource({
        "chatml, axolotl, chatml.jinja",
        "gemma, axolotl, gemma.jinja",
        "phi3, axolotl, phi_35.jinja",
        "llama3, trl, llama3.jinja"
    })
    void namedTemplatesHaveTheFormatOfTheRealOnes(String name, String source, String file)
            throws Exception {
        Path golden = Shared.folder("data/chat_templates/golden/" + source + ".json");
        JsonNode all = new JsonMapper().readTree(golden.toFile());
        var template = ChatTemplate.named(name, TOKENS);
        for (String conversation : new String[] {"user_gen", "train_single", "multi_turn_gen"}) {
            JsonNode expected = all.path("templates").path(file).path(conversation).path("output");
            JsonNode input = all.path("cases").path(conversation);
            boolean generates = input.path("add_generation_prompt").booleanValue();
            if (expected.isTextual()) {
                assertThat(
                                template.render(
                                                ChatInput.of(input.path("messages"))
                                                        .withGenerationPrompt(generates))
                                        .text())
                        .as("%s %s", name, conversation)
                        .isEqualTo(expected.textValue());
            }
        }
    }

    @Test
    void aChatLeftOpenIsThatOfTransformers() throws Exception {
        JsonNode golden;
        try (var file =
                ChatTemplateTest.class.getResourceAsStream("/golden/continued_chats.json")) {
            golden = new JsonMapper().readTree(file);
        }
        assertThat(golden.path("cases").size()).isGreaterThan(100);
        for (JsonNode one : golden.path("cases")) {
            var template =
                    new ChatTemplate("t", Map.of("default", one.get("template").asText()), TOKENS);
            var input =
                    ChatInput.of(one.get("messages"))
                            .withGenerationPrompt(one.has("add_generation_prompt"))
                            .continuing(one.get("field").asText());
            if (one.has("error")) {
                assertThatThrownBy(() -> template.render(input))
                        .as(one.toString())
                        .isInstanceOf(ConfigException.class);
            } else {
                assertThat(template.render(input).text())
                        .as(one.toString())
                        .isEqualTo(one.get("text").textValue());
            }
        }
    }

    @Test
    void whatIsNoConversationIsRefused() {
        var template = new ChatTemplate("t", Map.of("default", "{{ tools }}"), TOKENS);
        assertThatThrownBy(() -> template.render(ChatInput.of(json("[]"))))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("at least one message");
        assertThatThrownBy(() -> template.render(ChatInput.of(TALK).withTools(json("['f']"))))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("tools: found [\"f\"], expected a list of JSON objects");
    }

    @Test
    void everyNamedTemplateIsThere() {
        for (String name : NamedTemplates.NAMES) {
            assertThat(NamedTemplates.text(name)).contains("{%- generation -%}");
        }
    }
}
