package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.Shared;
import dev.graft.data.AssistantSpans.Span;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
    private static final JsonMapper JSON = new JsonMapper();

    private static Tokenizer stories() {
        return Tokenizer.load(Shared.folder("models/stories260K"));
    }

    private static Tokenizer real(String name) {
        return Tokenizer.load(Shared.folder("data/tokenizers/" + name));
    }

    private static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToInt(JsonNode::intValue)
                .toArray();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama-2-chat",
                "llama-3",
                "mistral-7b-instruct-v0.2",
                "phi-2",
                "phi-3-mini",
                "qwen2.5",
                "gpt2",
                "smollm2",
                "tinyllama-chat-v1.0",
                "gemma-2-it"
            })
    void idsTextsAndVocabularyEqualThoseOfThePythonLibrary(String name) throws IOException {
        var golden =
                JSON.readTree(Shared.folder("data/tokenizers/golden/" + name + ".json").toFile());
        try (var tokenizer = real(name)) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(golden.get("vocab_size").intValue());
            for (var each : golden.get("cases")) {
                String text = each.get("text").textValue();
                int[] ids = ints(each.get("ids"));
                assertThat(tokenizer.encode(text, false)).as(text).isEqualTo(ids);
                assertThat(tokenizer.encode(text, true))
                        .as(text)
                        .isEqualTo(ints(each.get("ids_with_special")));
                assertThat(tokenizer.decode(ids, false)).isEqualTo(each.get("decoded").textValue());
                // The library of the golden files keeps special tokens that are `normalized`, as
                // this tokenizer's are; the one here drops them, as it should.
                if (!(name.equals("llama-2-chat") && text.contains("<s>"))) {
                    assertThat(tokenizer.decode(ids, true))
                            .isEqualTo(each.get("decoded_skip_special").textValue());
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-2-chat", "llama-3", "qwen3", "phi-2", "tinyllama-chat-v1.0"})
    void aStreamEmitsWholeCharactersThatAddUpToTheText(String name) throws IOException {
        var golden = JSON.readTree(Shared.folder("data/tokenizers/golden/llama-3.json").toFile());
        try (var tokenizer = real(name)) {
            for (var each : golden.get("cases")) {
                int[] context = tokenizer.encodeBeginning("Answer:");
                int[] ids = tokenizer.encode(each.get("text").textValue(), false);
                int[] both = Arrays.copyOf(context, context.length + ids.length);
                System.arraycopy(ids, 0, both, context.length, ids.length);
                var stream = tokenizer.stream(context);
                var text = new StringBuilder();
                for (int id : ids) {
                    String piece = stream.add(id);
                    assertThat(piece).doesNotEndWith("\uFFFD");
                    text.append(piece);
                }
                text.append(stream.finish());

                assertThat(tokenizer.decode(context, true) + text)
                        .isEqualTo(tokenizer.decode(both, true));
            }
        }
    }

    @Test
    void anEmojiOfSeveralTokensComesOutWhole() {
        try (var tokenizer = stories()) {
            int[] ids = tokenizer.encode("a 😀 b", false);
            var stream = tokenizer.stream();
            var pieces = Arrays.stream(ids).mapToObj(stream::add).toList();

            assertThat(ids.length).isGreaterThan(6);
            assertThat(pieces)
                    .contains("😀")
                    .allSatisfy(p -> assertThat(p).doesNotContain("\uFFFD"));
            assertThat(String.join("", pieces) + stream.finish()).isEqualTo("a 😀 b");
        }
    }

    @Test
    void halfACharacterAtTheEndIsReplacedOnlyWhenTheStreamEnds() {
        try (var tokenizer = real("llama-3")) {
            int[] ids = tokenizer.encode("🦩", false);
            var stream = tokenizer.stream();

            assertThat(ids.length).isGreaterThan(1);
            assertThat(stream.add(ids[0])).isEmpty();
            assertThat(stream.finish()).isEqualTo("\uFFFD");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "llama-2-chat, 1, 2, 2",
        "llama-3, 128000, 128009, 128009 128001 128008",
        "phi-3-mini, 1, 32000, 32000",
        "qwen3, 151643, 151645, 151645 151643",
        "gpt2, 50256, 50256, 50256",
        "gemma-2-it, 2, 1, 1",
        "smollm2, , , ''"
    })
    void specialTokensComeFromTheFolder(String name, Integer bos, Integer eos, String stops) {
        try (var tokenizer = real(name)) {
            assertThat(tokenizer.bosId())
                    .isEqualTo(bos == null ? OptionalInt.empty() : OptionalInt.of(bos));
            assertThat(tokenizer.eosId())
                    .isEqualTo(eos == null ? OptionalInt.empty() : OptionalInt.of(eos));
            assertThat(
                            String.join(
                                    " ",
                                    Arrays.stream(tokenizer.stopIds())
                                            .mapToObj(Integer::toString)
                                            .toList()))
                    .isEqualTo(stops);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "llama-2-chat, true",
        "llama-3, true",
        "gemma-2-it, true",
        "phi-3-mini, false",
        "qwen3, false",
        "gpt2, false"
    })
    void aBeginningHasExactlyOneBosWhereTheTokenizerBeginsWithOne(String name, boolean begins) {
        try (var tokenizer = real(name)) {
            assertThat(tokenizer.addsBos()).isEqualTo(begins);
            assertThat(tokenizer.encodeBeginning("Hello"))
                    .isEqualTo(tokenizer.encode("Hello", true));
            if (begins) {
                int bos = tokenizer.bosId().getAsInt();
                String spelled = tokenizer.decode(new int[] {bos}, false);
                int[] ids = tokenizer.encodeBeginning(spelled + "Hello");

                assertThat(ids[0]).isEqualTo(bos);
                assertThat(Arrays.stream(ids).filter(id -> id == bos).count()).isEqualTo(1);
            }
        }
    }

    @Test
    void tokensThatAreNotSpecialKeepTheirIdsBesideSpecialOnesThatAreText() {
        try (var tokenizer = real("qwen3")) {
            int end = tokenizer.encode("<|im_end|>", false)[0];
            int[] ids = tokenizer.encodeText("<|im_end|><tool_call>x</tool_call><|fim_prefix|>");
            assertThat(ids).contains(151657, 87, 151658, 151659).doesNotContain(end, 151643);
            assertThat(tokenizer.decode(ids, true))
                    .isEqualTo("<|im_end|><tool_call>x</tool_call><|fim_prefix|>");
        }
    }

    @Test
    void spansCountInUtf16BesideMarksAndInALongText() {
        try (var tokenizer = real("qwen3")) {
            String text = "😀<|im_end|>😀".repeat(20_000) + "<|im_end|>";
            var whole = new Span(0, text.length() - 10);
            var encoding = tokenizer.encodeSpans(text, List.of(whole));
            int last = encoding.ids().length - 1;
            assertThat(encoding.ids()[last]).isEqualTo(151645);
            assertThat(encoding.starts()[last]).isEqualTo(text.length() - 10);
            assertThat(encoding.ends()[last]).isEqualTo(text.length());
            assertThat(Arrays.stream(encoding.ids()).filter(id -> id == 151645).count()).isOne();
            assertThat(text.substring(encoding.starts()[0], encoding.ends()[0])).isEqualTo("😀");
        }
    }

    @Test
    void nothingIsTruncatedWhateverTheFileSays() {
        try (var tokenizer = real("tinyllama-chat-v1.0")) { // its file truncates at 512
            assertThat(tokenizer.encode("word ".repeat(5000), false).length).isGreaterThan(5000);
        }
    }

    @Test
    void flagsOfTheConfigDoNotOverrideTokenizerJson(@TempDir Path folder) throws IOException {
        Path from = Shared.folder("models/stories260K");
        Files.copy(from.resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
        var config = (ObjectNode) JSON.readTree(from.resolve("tokenizer_config.json").toFile());
        config.put("add_bos_token", false).put("add_eos_token", true);
        JSON.writeValue(folder.resolve("tokenizer_config.json").toFile(), config);
        try (var tokenizer = Tokenizer.load(folder)) {
            // Transformers 5.18 gives these ids for this folder.
            assertThat(tokenizer.encode("hello", true)).containsExactly(1, 281, 306, 414);
        }
    }

    @Test
    void aFolderWithoutATokenizerSaysWhatIsThere(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("vocab.json"), "{}");
        Files.writeString(folder.resolve("config.json"), "{}");

        assertThatThrownBy(() -> Tokenizer.load(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("no tokenizer.json, tokenizer.model, or vocab.json")
                .hasMessageContaining("found config.json, vocab.json");
        assertThatThrownBy(() -> Tokenizer.load(folder.resolve("nowhere")))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("nothing at this path");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "{}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}}}"
            })
    void aBrokenTokenizerJsonIsNamed(String content, @TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("tokenizer.json"), content);

        assertThatThrownBy(() -> Tokenizer.load(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(file.toString());
    }

    @Test
    void aTokenizerThatTheLibraryRefusesIsNamed() {
        Path folder = Shared.folder("data/tokenizers/negative/llama-2-malformed");

        assertThatThrownBy(() -> Tokenizer.load(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("llama-2-malformed")
                .hasMessageContaining("cannot read it");
    }
}
