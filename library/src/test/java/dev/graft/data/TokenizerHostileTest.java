package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.Shared;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Files that are damaged or made to do harm: a message that names the file, soon and in little
/// memory, never the end of the process.
@Timeout(120)
class TokenizerHostileTest {
    private static final String TOKENIZER =
            """
            {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s],
             "normalizer": %s, "pre_tokenizer": null, "post_processor": null, "decoder": null,
             "model": {"type": "BPE", "vocab": %s, "merges": []}}""";

    private static String added(String id, String content) {
        return """
        {"id": %s, "content": "%s", "single_word": false, "lstrip": false, "rstrip": false,
         "normalized": false, "special": true}"""
                .formatted(id, content);
    }

    private static void refused(Path folder, String... parts) {
        assertThatThrownBy(() -> Tokenizer.load(folder).close())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContainingAll(parts);
    }

    @Test
    void aHundredMegabytesOfNestingAreRefusedAtTheHundredthLevel(@TempDir Path folder)
            throws IOException {
        try (var out =
                new BufferedOutputStream(Files.newOutputStream(folder.resolve("tokenizer.json")))) {
            out.write("{\"normalizer\": ".getBytes(StandardCharsets.UTF_8));
            var nested = new byte[1 << 20];
            Arrays.fill(nested, (byte) '[');
            for (int i = 0; i < 100; i++) {
                out.write(nested);
            }
        }
        long start = System.nanoTime();

        refused(folder, "tokenizer.json", "nesting depth", "100");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    }

    @ParameterizedTest
    @CsvSource({"tokenizer.json, 268435456", "tokenizer.model, 67108864"})
    void aFileThatIsTooLargeIsRefusedUnread(String name, long most, @TempDir Path folder)
            throws IOException {
        try (var file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
            file.setLength(most + 1);
        }
        refused(folder, name, "expected at most " + most);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"a\": 0, \"b\": 4000000000}   | out of range",
                "{\"a\": 0, \"b\": 2000000000}   | the id 2000000000, expected 0 to 10000000",
                "{\"a\": 0, \"b\": -1}           | the id -1",
                "{\"a\": 0, \"b\": 1.5}          | found 1.5, expected an id",
                "{\"a\": 0, \"b\": \"1\"}        | found 1, expected an id",
                "{\"a\": 0, \"b\": {}}           | expected an id",
                "{\"a\": 0, \"b\": 0}            | the id 0 a second time",
                "5                               | cannot read it"
            })
    void absurdAndDoubledIdsAreRefused(String vocabulary, String part, @TempDir Path folder)
            throws IOException {
        Files.writeString(
                folder.resolve("tokenizer.json"), TOKENIZER.formatted("", "null", vocabulary));
        refused(folder, folder.toString(), part);
    }

    @ParameterizedTest
    @CsvSource({
        "7, <x>, the id 7 of the added token <x>; expected 1",
        "1, a, the id 1 of the added token a; expected 0",
        "-1, <x>, the id -1",
        "'\"1\"', <x>, the id \"1\""
    })
    void addedTokensThatTheLibraryWouldNumberOtherwiseAreRefused(
            String id, String content, String parts, @TempDir Path folder) throws IOException {
        Files.writeString(
                folder.resolve("tokenizer.json"),
                TOKENIZER.formatted(added(id, content), "null", "{\"a\": 0}"));
        refused(folder, parts.split("; "));
    }

    @Test
    void aCharacterMapThatPointsOutsideItselfIsRefused(@TempDir Path folder) throws IOException {
        var map = ByteBuffer.allocate(11).order(ByteOrder.LITTLE_ENDIAN);
        map.putInt(4).putInt(Integer.MAX_VALUE).put("abc".getBytes(StandardCharsets.UTF_8));
        String normalizer =
                "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"%s\"}"
                        .formatted(Base64.getEncoder().encodeToString(map.array()));
        for (String nested :
                new String[] {
                    normalizer,
                    "{\"type\": \"Sequence\", \"normalizers\": [%s]}".formatted(normalizer)
                }) {
            Files.writeString(
                    folder.resolve("tokenizer.json"),
                    TOKENIZER.formatted("", nested, "{\"a\": 0}"));
            refused(folder, "tokenizer.json", "points outside itself");
        }
    }

    /// All of these are read by the tokenizers library, which then ends the process or fills the
    /// memory over the first text.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "pre_tokenizer | {'type': 'Split', 'pattern': {'Regex': '(a+)+$'}, 'behavior': 'Isolated', 'invert': false} | the pattern (a+)+$",
                "pre_tokenizer | {'type': 'FixedLength', 'length': 0} | FixedLength: length: found 0",
                "decoder | {'type': 'Sequence', 'decoders': [{'type': 'Strip', 'content': 'a', 'start': 1, 'stop': 1}]} | Strip: stop: found 1, expected 0",
                "normalizer | {'type': 'Replace', 'pattern': {'Regex': '(x+x+)+y'}, 'content': ''} | the pattern (x+x+)+y",
                "normalizer | {'type': 'Sequence', 'normalizers': [{'type': 'Replace', 'pattern': {'String': 'a'}, 'content': 'aaaaaaaaaaaaaaaaaaaa'}, {'type': 'Replace', 'pattern': {'String': 'a'}, 'content': 'aaaaaaaaaaaaaaaaaaaaaaaa'}, {'type': 'Replace', 'pattern': {'String': 'a'}, 'content': 'aaaaaaaaaaaaaaaaaaaaaaaa'}]} | longer and longer",
                "post_processor | {'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': '<s>', 'type_id': 0}}], 'pair': [], 'special_tokens': {}} | SpecialToken: found \"<s>\"",
                "post_processor | {'type': 'TemplateProcessing', 'single': [{'Sequence': {'id': 'B', 'type_id': 0}}], 'pair': [], 'special_tokens': {}} | Sequence: found \"B\"",
                "model | {'type': 'BPE', 'continuing_subword_prefix': '###', 'vocab': {'a': 0, 'b': 1, 'ab': 2}, 'merges': ['a b']} | expected a second token that begins with"
            })
    void partsThatTheLibraryWouldNotSurviveAreRefused(
            String name, String part, String message, @TempDir Path folder) throws IOException {
        var json =
                (ObjectNode)
                        ConfigFolder.JSON.readTree(TOKENIZER.formatted("", "null", "{\"a\": 0}"));
        json.set(name, ConfigFolder.JSON.readTree(part.replace('\'', '"')));
        ConfigFolder.JSON.writeValue(folder.resolve("tokenizer.json").toFile(), json);
        refused(folder, "tokenizer.json: ", message);
    }

    @Test
    void aTextThatTheLibraryRefusesIsNamedInOneLine(@TempDir Path folder) throws IOException {
        Files.writeString(
                folder.resolve("tokenizer.json"),
                TOKENIZER
                        .formatted("", "null", "{\"a\": 0}")
                        .replace("\"merges\"", "\"unk_token\": \"<unk>\", \"merges\""));
        try (var tokenizer = Tokenizer.load(folder)) {
            assertThatThrownBy(() -> tokenizer.encode("a\nb", false))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContainingAll("tokenizer.json", "3 characters (a b)", "<unk>");
            assertThatThrownBy(() -> tokenizer.encode("a" + " ".repeat(4_000_001), false))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("white space");
            assertThat(tokenizer.encode("a".repeat(200_000), false)).hasSize(200_000);
        }
    }

    @Test
    void jsonThatIsNoneIsNamedInOneLine(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), "{\n\"version\": nul");
        assertThatThrownBy(() -> Tokenizer.load(folder).close())
                .hasMessageContaining("(line 2, column ")
                .hasMessageNotContaining("\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"bos_token\": 5}",
                "{\"eos_token\": {\"text\": \"x\"}}",
                "{\"added_tokens_decoder\": []}",
                "{\"added_tokens_decoder\": {\"x\": {\"content\": \"<x>\"}}}",
                "{\"added_tokens_decoder\": {\"999999999\": {\"content\": \"<x>\"}}}",
                "{\"added_tokens_decoder\": {\"513\": {\"content\": 1}}}",
                "{\"added_tokens_decoder\": {\"600\": {\"content\": \"<x>\"}}}",
                "{\"extra_special_tokens\": [1]}",
                "{\"additional_special_tokens\": \"<x>\"}",
                "{\"add_bos_token\": \"yes\"}",
                "[]",
                "{\"bos_token\": \"<s>\""
            })
    void aConfigThatIsNotOneIsNamed(String config, @TempDir Path folder) throws IOException {
        Files.copy(
                Shared.folder("models/stories260K").resolve("tokenizer.json"),
                folder.resolve("tokenizer.json"));
        Files.writeString(folder.resolve("tokenizer_config.json"), config);
        refused(folder, folder.toString());
    }

    @Test
    void aModelThatIsCutShortIsRefusedWhereverItIsCut(@TempDir Path folder) throws IOException {
        byte[] whole = Files.readAllBytes(Shared.folder("data/tokenizers/torchtune-tiny/m.model"));
        Path file = folder.resolve("tokenizer.model");
        var random = new Random(1);
        for (int i = 0; i < 200; i++) {
            Files.write(file, Arrays.copyOf(whole, random.nextInt(whole.length - 200)));
            refused(folder, "tokenizer.model");
        }
    }

    @Test
    void aModelWithFlippedBitsIsReadOrRefused(@TempDir Path folder) throws IOException {
        byte[] whole = Files.readAllBytes(Shared.folder("data/tokenizers/torchtune-tiny/m.model"));
        Path file = folder.resolve("tokenizer.model");
        var random = new Random(2);
        int refused = 0;
        for (int i = 0; i < 150; i++) {
            byte[] flipped = whole.clone();
            for (int j = 0; j < 3; j++) {
                flipped[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(file, flipped);
            try (var tokenizer = Tokenizer.load(folder)) {
                assertThat(tokenizer.encodeText("ab é ①  \uFB01 x").length).isPositive();
            } catch (ModelFormatException e) {
                assertThat(e).hasMessageContaining("tokenizer.model");
                refused++;
            }
        }
        assertThat(refused).isBetween(10, 149);
    }

    @Test
    void aLengthThatIsNotThereIsNotAllocated(@TempDir Path folder) throws IOException {
        for (byte[] claim :
                new byte[][] {
                    {'\n', -1, -1, -1, -1, 7},
                    {'\n', -1, -1, -1, -1, -1, -1, -1, -1, -1, 1},
                    {'\n', -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
                    {'\n', 2, '\n', 127},
                    {'\n', 0},
                    {'\n'}
                }) {
            Files.write(folder.resolve("tokenizer.model"), claim);
            refused(folder, "tokenizer.model");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "IQ== 1\n", "IQ== 0\nIQ== 1\n", "!!! 0\n", "IQ== 0\n", "x", "IQ==0"})
    void ranksThatAreNoneAreRefused(String ranks, @TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("tokenizer.model"), ranks);
        refused(folder, "tokenizer.model");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"llama_test_vocab.spm", "gemma_test_vocab.spm", "gemma3_test_vocab.spm"})
    void modelsOfWholeWordsAreRefused(String name, @TempDir Path folder) throws IOException {
        Files.copy(
                Shared.folder("data/tokenizers/keras-hub-test/" + name),
                folder.resolve("tokenizer.model"));
        refused(folder, "the model type 3, expected 1 (unigram) or 2 (BPE)");
    }

    @Test
    void mergesOfAnotherVocabularyAreRefused(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"gpt2\"}");
        Files.writeString(folder.resolve("vocab.json"), "{\"a\": 0}");
        Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\na b\n");
        refused(folder, "vocab.json", "cannot read it");
        Files.writeString(folder.resolve("merges.txt"), "a b c\n");
        refused(folder, "merges.txt", "expected two tokens");
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"roberta\"}");
        refused(folder, "roberta", "download the model's tokenizer.json");
    }
}
