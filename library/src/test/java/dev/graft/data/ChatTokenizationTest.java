package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.Shared;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChatTokenizationTest {
    private static Tokenizer qwen;
    private static Path folder;

    @BeforeAll
    static void load() {
        folder = Shared.folder("data/tokenizers/qwen2.5");
        qwen = Tokenizer.load(folder);
    }

    @AfterAll
    static void close() {
        if (qwen != null) {
            qwen.close();
        }
    }

    private static ChatTokenization tokenization(LossPart part) {
        return new ChatTokenization(qwen, new Chats(ChatTemplate.chosen("chatml", folder)), part);
    }

    private static Conversation chat(String... contents) throws IOException {
        var messages = new ArrayList<com.fasterxml.jackson.databind.node.ObjectNode>();
        for (int i = 0; i < contents.length; i++) {
            messages.add(Messages.message(i % 2 == 0 ? "user" : "assistant", contents[i]));
        }
        return new Conversation(messages, null);
    }

    private static String trained(Example example) {
        var ids = new ArrayList<Integer>();
        for (int i = 0; i < example.length(); i++) {
            if (example.trained()[i]) {
                ids.add(example.ids()[i]);
            }
        }
        return qwen.decode(ids.stream().mapToInt(i -> i).toArray(), false);
    }

    @Test
    void theAnswersAndTheirEndTokensAreTrained() throws IOException {
        Conversation chat = chat("Hi 😀!", "Ho 😀, ho.", "And?", "Bye.");
        assertThat(trained(tokenization(LossPart.ANSWERS).rendered(chat).example()))
                .isEqualTo("Ho 😀, ho.<|im_end|>Bye.<|im_end|>");
        assertThat(trained(tokenization(LossPart.LAST_ANSWER).rendered(chat).example()))
                .isEqualTo("Bye.<|im_end|>");
        assertThat(trained(tokenization(LossPart.ALL).rendered(chat).example()))
                .contains("And?<|im_end|>");
    }

    @Test
    void nobodyEndsATurnFromWithin() throws IOException {
        int end = qwen.encode("<|im_end|>", false)[0];
        var rendered =
                tokenization(LossPart.ANSWERS)
                        .rendered(chat("a <|im_end|> b", "c <|im_end|><|im_start|> d"));
        assertThat(rendered.example().ids())
                .satisfies(ids -> assertThat(count(ids, end)).isEqualTo(2));
        assertThat(trained(rendered.example())).isEqualTo("c <|im_end|><|im_start|> d<|im_end|>");
        assertThat(qwen.decode(rendered.tokens().ids(), false)).isEqualTo(rendered.text());
        int[] prompt = tokenization(LossPart.ANSWERS).prompt(chat("a <|im_end|> b")).ids();
        assertThat(count(prompt, end)).isOne();
    }

    @ParameterizedTest
    @CsvSource({
        "mistral-7b-instruct-v0.2, <s>, <z>",
        "tinyllama-chat-v1.0, <s>, <z>",
        "phi-3-mini, <s>, <z>",
        "qwen3, <|im_end|>, <|im_ent|>"
    })
    void wordsAroundASpelledSpecialTokenHaveTheIdsThatTheyAlwaysHave(
            String name, String special, String other) throws IOException {
        Path model = Shared.folder("data/tokenizers/" + name);
        try (var tokenizer = Tokenizer.load(model)) {
            var chats = new Chats(ChatTemplate.ofModel(model).orElseThrow());
            var tokens = new ChatTokenization(tokenizer, chats, LossPart.ANSWERS);
            String text = "what is %s 😀 here?";
            var spelled = tokens.rendered(chat(text.formatted(special), special + " no"));
            var spoken = tokens.rendered(chat(text.formatted(other), other + " no"));
            int[] ids = spelled.tokens().ids();
            int[] same = spoken.tokens().ids();

            assertThat(tokenizer.isSpecial(tokenizer.encode(special, false)[0])).isTrue();
            assertThat(ids).hasSameSizeAs(same);
            assertThat(specialOf(tokenizer, ids)).isEqualTo(specialOf(tokenizer, same));
            assertThat(differences(ids, same)).isBetween(2, 4);
            assertThat(differences(spelled.tokens().starts(), spoken.tokens().starts())).isZero();
            assertThat(differences(spelled.tokens().ends(), spoken.tokens().ends())).isZero();
            assertThat(spelled.example().trained()).isEqualTo(spoken.example().trained());
        }
    }

    private static List<Integer> specialOf(Tokenizer tokenizer, int... ids) {
        return Arrays.stream(ids).filter(tokenizer::isSpecial).boxed().toList();
    }

    private static int differences(int[] some, int[] others) {
        int count = 0;
        for (int i = 0; i < some.length; i++) {
            count += some[i] == others[i] ? 0 : 1;
        }
        return count;
    }

    @Test
    void anOpenAnswerEndsWithItsWordsAndNobodyEndsItFromWithin() throws IOException {
        var tokenization = tokenization(LossPart.ANSWERS);
        var open = tokenization.continuation(chat("Hi", "Ho <|im_end|> ho"), "content");
        assertThat(open.text()).endsWith("assistant\nHo <|im_end|> ho");
        assertThat(count(open.ids(), qwen.encode("<|im_end|>", false)[0])).isOne();
        assertThat(qwen.decode(open.ids(), false)).isEqualTo(open.text());
        assertThatThrownBy(() -> tokenization.continuation(chat("Hi", "Ho"), "reasoning_content"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("a last message without reasoning_content");
    }

    private static long count(int[] ids, int id) {
        return java.util.Arrays.stream(ids).filter(i -> i == id).count();
    }

    @Test
    void aPromptForGenerationIsWhatTrainingShowedBeforeTheAnswer() throws IOException {
        int[] prompt = tokenization(LossPart.ANSWERS).prompt(chat("Hi")).ids();
        Example trained = tokenization(LossPart.ANSWERS).rendered(chat("Hi", "Ho")).example();
        assertThat(trained.ids()).startsWith(prompt);
        assertThat(trained.trained()[prompt.length - 1]).isFalse();
        assertThat(trained.trained()[prompt.length]).isTrue();
    }

    @Test
    void halfACharacterIsRefused() {
        assertThatThrownBy(() -> tokenization(LossPart.ANSWERS).rendered(chat("a\uD83D b", "c")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("U+D83D")
                .hasMessageContaining("surrogate");
    }

    @Test
    void aTemplateThatWantsBlocksGetsBlocks() throws IOException {
        Path file = Shared.folder("data/chat_templates/trl").resolve("idefics3.jinja");
        var chats = new Chats(ChatTemplate.chosen(file.toString(), folder));
        var spans = new AssistantSpans(chats, chat("Hi", "Ho"), java.util.Set.of());
        assertThat(spans.text()).contains("Hi").contains("Ho");
        assertThat(spans.trained(false)).hasSize(1);
    }

    @Test
    void whatAnInspectionCounts() throws IOException {
        var tokens = tokenization(LossPart.ANSWERS);
        Example one = tokens.rendered(chat("a", "b")).example();
        Example empty = tokens.rendered(chat("a", "")).example();
        Example cut = Example.completion(2, 5, 6, 7);
        var inspection = Inspection.of(List.of(one, one, empty, cut), qwen);
        assertThat(inspection.duplicates()).isOne();
        assertThat(inspection.emptyAnswers()).isOne();
        assertThat(inspection.endTrained()).isEqualTo(3);
        assertThat(inspection.withTwoBos()).isZero();
        var report = new DatasetReport(4, 4, 0, 0, 1, 0, 9, 0, 0, 0);
        assertThat(inspection.findings(report, 10, false))
                .extracting(Finding::level)
                .contains(Finding.Level.ERROR, Finding.Level.WARNING);
    }
}
