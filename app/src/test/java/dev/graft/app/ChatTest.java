package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Conversations from the command line: looked at, rendered, trained on, held.
final class ChatTest {
    private static final String TURNS =
            "[{\"role\":\"user\",\"content\":\"Who are you?\"},{\"role\":\"assistant\",\"content\":\"A cat.\"}]";

    @TempDir private Path folder;

    private static Path model() {
        return Shared.folder("models/stories260K");
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    private Path data() throws IOException {
        String row = "{\"messages\":" + TURNS + "}\n";
        return file("chats.jsonl", row + row + row.replace("A cat.", "</s> is text to me."));
    }

    @Test
    void aTemplateAloneRendersItsText() throws IOException {
        Path template =
                file(
                        "t.jinja",
                        "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}");
        Path messages = file("m.json", TURNS);
        assertThat(
                        Ran.of(
                                        "render",
                                        "--chat-template",
                                        template,
                                        "--bos-token",
                                        "<B>",
                                        "--eos-token",
                                        "<E>",
                                        "--messages",
                                        messages,
                                        "--json")
                                .succeeded()
                                .json()
                                .getFirst()
                                .path("text")
                                .textValue())
                .isEqualTo("<B>Who are you?<E>A cat.<E>");
    }

    @Test
    void withAModelThereAreIdsAndTrainedParts() throws IOException {
        Path messages = file("m.json", "{\"messages\":" + TURNS + "}");
        JsonNode result =
                Ran.of(
                                "render",
                                "--model",
                                model(),
                                "--chat-template",
                                "chatml",
                                "--messages",
                                messages,
                                "--json")
                        .succeeded()
                        .json()
                        .getFirst();
        assertThat(result.path("ids").size()).isGreaterThan(10);
        assertThat(result.path("trained").size()).isOne();
        assertThat(result.path("trained").get(0).path("text").textValue())
                .isEqualTo("A cat.<|im_end|>");
        JsonNode prompt =
                Ran.of(
                                "render",
                                "--model",
                                model(),
                                "--chat-template",
                                "chatml",
                                "--messages",
                                messages,
                                "--add-generation-prompt",
                                "--json")
                        .succeeded()
                        .json()
                        .getFirst();
        assertThat(prompt.path("text").textValue()).endsWith("<|im_start|>assistant\n");
        assertThat(prompt.has("trained")).isFalse();
    }

    @Test
    void inspectShowsWhatIsTrainedAndWhatIsOdd() throws IOException {
        JsonNode seen =
                Ran.of(
                                "inspect",
                                "--model-name-or-path",
                                model(),
                                "--dataset",
                                data(),
                                "--chat-template",
                                "chatml",
                                "--json")
                        .succeeded()
                        .json()
                        .getFirst();
        assertThat(seen.path("examples").asInt()).isEqualTo(3);
        assertThat(seen.path("duplicates").asInt()).isOne();
        assertThat(seen.path("end_trained").asInt()).isEqualTo(3);
        assertThat(seen.path("two_bos").asInt()).isZero();
        assertThat(seen.path("findings").findValuesAsText("text"))
                .anyMatch(text -> text.contains("equal to an earlier one"));
        JsonNode sample = seen.path("samples").get(0);
        assertThat(sample.get(1).path("trained").asBoolean()).isTrue();
        assertThat(sample.get(1).path("text").textValue()).startsWith("A cat.<|im_end|>");

        Ran shown =
                Ran.of(
                                "inspect",
                                "--model-name-or-path",
                                model(),
                                "--dataset",
                                data(),
                                "--chat-template",
                                "chatml")
                        .succeeded();
        assertThat(shown.out())
                .contains("[[A cat.<|im_end|>")
                .containsPattern("q_proj +rank 8  5 modules +5,120 parameters")
                .contains("template  chatml");
    }

    @Test
    void conversationsTrainAndTheModelTalks() throws IOException {
        Path adapter = folder.resolve("adapter");
        Ran.of(
                        "train",
                        "--model-name-or-path",
                        model(),
                        "--dataset",
                        data(),
                        "--chat-template",
                        "chatml",
                        "--output-dir",
                        adapter,
                        "--max-steps",
                        2,
                        "--json")
                .succeeded();
        Ran chat =
                Ran.withInput(
                        "Who are you?\n/reset\nAnd now?\n/exit\nnever read\n",
                        "chat",
                        "--model",
                        model(),
                        "--adapter",
                        adapter,
                        "--chat-template",
                        "chatml",
                        "--max-new-tokens",
                        5);
        assertThat(chat.succeeded().out().lines().count()).isGreaterThanOrEqualTo(2);
    }

    @Test
    void withoutATemplateConversationsAreRefusedWithTheWayOut() throws IOException {
        Path data = data();
        Ran.of(
                        "train",
                        "--model-name-or-path",
                        model(),
                        "--dataset",
                        data,
                        "--output-dir",
                        folder.resolve("out"))
                .failedWith(2, "chats.jsonl row 1", "no chat template", "chatml");
        Ran.of("chat", "--model", model()).failedWith(2, "has no chat template", "--chat-template");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void theLastMessageIsLeftOpen() throws IOException {
        Path template =
                file(
                        "t.jinja",
                        "{% for m in messages %}{{ m.content }}{{ m.note }}</s>{% endfor %}");
        Path chat =
                file("m.json", "[{\"role\":\"assistant\",\"content\":\"Ho \",\"note\":\"well\"}]");
        assertThat(open(template, chat, "content").succeeded().out()).isEqualTo("Ho \n");
        assertThat(open(template, chat, "note").succeeded().out()).isEqualTo("Ho well\n");
        open(template, chat, "nope").failedWith(2, "a last message without nope");
        open(template, chat, "--add-generation-prompt").failedWith(2, "add_generation_prompt too");
    }

    private static Ran open(Path template, Path chat, String more) {
        String option = "--continue-final-message";
        return Ran.of("render", "--chat-template", template, "--messages", chat, option, more);
    }

    @Test
    void wrongMessagesAreNamed() throws IOException {
        Path template = file("t.jinja", "{{ messages[0].content }}");
        Ran.of("render", "--chat-template", template, "--messages", file("m.json", "{"))
                .failedWith(2, "m.json is not JSON");
        Ran.of("render", "--chat-template", template, "--messages", file("m.json", "3"))
                .failedWith(2, "expected a list of messages");
        Ran.of("render", "--messages", file("m.json", "[]")).failedWith(2, "--chat-template");
        Ran.of(
                        "render",
                        "--chat-template",
                        file("bad.jinja", "{% if %}"),
                        "--messages",
                        file("m.json", "[]"))
                .failedWith(3, "bad.jinja");
        Ran.of(
                        "render",
                        "--chat-template",
                        file("refuses.jinja", "{{ raise_exception('not you') }}"),
                        "--messages",
                        file("m.json", "[{\"role\":\"user\",\"content\":\"Hi\"}]"))
                .failedWith(2, "not you");
        Ran.of("render", "--chat-template", template, "--messages", file("m.json", "[]"))
                .failedWith(2, "at least one message");
    }
}
