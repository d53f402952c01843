package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.Shared;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatasetTest {
    private static Tokenizer stories;

    @TempDir private Path folder;

    @BeforeAll
    static void load() {
        stories = Tokenizer.load(Shared.folder("models/stories260K"));
    }

    @AfterAll
    static void close() {
        if (stories != null) {
            stories.close();
        }
    }

    private static Dataset load(Path file, int maxLength) {
        return Dataset.load(source(file), new Tokenization(stories, maxLength, true));
    }

    private static DatasetSource source(Path... files) {
        return new DatasetSource(List.of(files), DatasetFormat.AUTO, "text", false);
    }

    private Dataset loadLines(int maxLength, String... lines) throws IOException {
        Path file = folder.resolve("d.jsonl");
        return load(
                Files.writeString(file, String.join("\n", lines).replace('\'', '"')), maxLength);
    }

    private static List<Segment> qa(String prompt, String completion) {
        return List.of(new Segment(prompt, false), new Segment(completion, true));
    }

    private static int promptLength(Example example) {
        int i = 0;
        while (!example.trained()[i]) {
            i++;
        }
        return i;
    }

    @Test
    void theCompletionAndItsEosAreTrainedAndNothingElse() {
        var tokenization = new Tokenization(stories, 64, true);
        var example = tokenization.sequence(qa("Once upon", " a time"));
        int[] prompt = tokenization.prompt("Once upon");

        assertThat(Arrays.copyOf(example.ids(), prompt.length)).isEqualTo(prompt);
        assertThat(promptLength(example)).isEqualTo(prompt.length);
        assertThat(example.trainedTokens()).isEqualTo(example.length() - prompt.length);
        assertThat(example.ids()[example.length() - 1]).isEqualTo(2);
        assertThat(stories.decode(example.ids(), true)).isEqualTo("Once upon a time");
    }

    @Test
    void withoutCompletionOnlyLossAllButTheFirstTokenIsTrained() {
        var example = new Tokenization(stories, 64, false).sequence(qa("Once upon", " a time"));

        assertThat(example.trainedTokens()).isEqualTo(example.length() - 1);
        assertThat(example.ids())
                .isEqualTo(
                        new Tokenization(stories, 64, true)
                                .sequence(qa("Once upon", " a time"))
                                .ids());
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-2-chat", "llama-3", "qwen3", "gemma-2-it", "phi-3-mini"})
    void everyRealTokenizerGivesThePromptOfGenerationOneBosOneEosAndTheTextItself(String name) {
        try (var tokenizer = Tokenizer.load(Shared.folder("data/tokenizers/" + name))) {
            var tokenization = new Tokenization(tokenizer, 4096, true);
            for (var segments :
                    List.of(
                            qa(TextFormat.Alpaca.prompt("Say hi.", ""), "Hi!"),
                            qa("Answer: ", "yes"),
                            qa("Answer:", " yes"),
                            qa("foo", "bar"),
                            qa("line\n", "\nnext"),
                            qa("a  ", "  b"),
                            qa("数", "学 😀"))) {
                var example = tokenization.sequence(segments);
                int[] prompt = tokenization.prompt(segments.getFirst().text());
                int eos = tokenizer.eosId().getAsInt();

                assertThat(Arrays.copyOf(example.ids(), prompt.length)).isEqualTo(prompt);
                assertThat(promptLength(example)).isEqualTo(prompt.length);
                assertThat(Arrays.stream(example.ids()).filter(id -> id == eos).count()).isOne();
                assertThat(example.ids()[example.length() - 1]).isEqualTo(eos);
                if (tokenizer.addsBos()) {
                    int bos = tokenizer.bosId().getAsInt();
                    assertThat(Arrays.stream(example.ids()).filter(id -> id == bos).count())
                            .isOne();
                }
                assertThat(tokenizer.decode(example.ids(), true))
                        .isEqualTo(segments.getFirst().text() + segments.getLast().text());
            }
        }
    }

    @Test
    void anEosThatTheDataSpellsOutIsNotDoubled() {
        var example = new Tokenization(stories, 64, true).sequence(qa("Once", " upon</s>"));

        assertThat(Arrays.stream(example.ids()).filter(id -> id == 2).count()).isOne();
        assertThat(example.trained()[example.length() - 1]).isTrue();
    }

    @Test
    void anEmptyPromptAndAnEmptyCompletionAreSequencesToo() {
        var tokenization = new Tokenization(stories, 64, true);

        assertThat(tokenization.sequence(qa("", "Once")).ids())
                .isEqualTo(tokenization.sequence(List.of(new Segment("Once", true))).ids());
        assertThat(tokenization.sequence(qa("Once", "")).trainedTokens()).isOne();
        assertThat(tokenization.sequence(qa("", "")).ids()).containsExactly(1, 2);
    }

    @Test
    void aTokenizerWithoutEosIsRefused() {
        try (var tokenizer = Tokenizer.load(Shared.folder("data/tokenizers/smollm2"))) {
            assertThatThrownBy(() -> new Tokenization(tokenizer, 64, true))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("eos_token")
                    .hasMessageContaining("smollm2");
        }
    }

    @Test
    void aLongExampleIsCutAndCounted() throws IOException {
        var dataset =
                loadLines(
                        16,
                        "{'prompt':'Once','completion':' upon a time there was a cat and a dog and a bird'}",
                        "{'prompt':'One','completion':' day'}");

        assertThat(dataset.size()).isEqualTo(2);
        assertThat(dataset.examples().getFirst().length()).isEqualTo(16);
        assertThat(dataset.examples().getFirst().ids()[15]).isNotEqualTo(2);
        assertThat(dataset.report().truncated()).isEqualTo(1);
        assertThat(dataset.report().longest()).isGreaterThan(16);
        assertThat(dataset.report().toString()).contains("1 longer than max_length");
    }

    @Test
    void aRowWhosePromptFillsMaxLengthIsDroppedAndCounted() throws IOException {
        String longPrompt = "{'prompt':'" + "Once upon a time ".repeat(9) + "','completion':'x'}";
        var dataset = loadLines(16, longPrompt, "{'prompt':'One','completion':' day'}");

        assertThat(dataset.size()).isEqualTo(1);
        assertThat(dataset.report().withoutTrainedToken()).isEqualTo(1);
        assertThatThrownBy(() -> loadLines(16, longPrompt))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("no token is trained")
                .hasMessageContaining("raise max_length");
        assertThatThrownBy(() -> loadLines(16, ""))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("there are no rows");
    }

    @Test
    void aCorpusIsCutIntoConsecutiveWindows() throws IOException {
        Path corpus = Shared.folder("data/corpora/the-verdict.txt");
        var dataset = load(corpus, 128);
        int[] whole =
                new Tokenization(stories, 128, true)
                        .sequence(List.of(new Segment(Files.readString(corpus), true)))
                        .ids();

        int[] laid =
                dataset.examples().stream().flatMapToInt(e -> Arrays.stream(e.ids())).toArray();
        assertThat(laid).isEqualTo(whole);
        assertThat(dataset.report().windows()).isEqualTo(dataset.size());
        assertThat(dataset.report().truncated()).isZero();
        assertThat(dataset.trainedTokens()).isEqualTo(dataset.tokens() - dataset.size());
        assertThat(dataset.examples().getLast().ids()).endsWith(2);
    }

    @Test
    void aPlainTextFileIsReadWhateverTheTextColumnIsCalled() throws IOException {
        Path file = Files.writeString(folder.resolve("x.txt"), "Once upon a time");
        var tokenization = new Tokenization(stories, 64, true);
        var dataset =
                Dataset.load(
                        new DatasetSource(List.of(file), DatasetFormat.AUTO, "story", false),
                        tokenization);

        assertThat(dataset.size()).isEqualTo(1);
    }

    @Test
    void aLastWindowOfOneTokenIsStillTrained() throws IOException {
        var tokenization = new Tokenization(stories, 64, true);
        String text = "Once upon a time there was a little girl";
        int length = tokenization.sequence(List.of(new Segment(text, true))).length();
        var dataset = loadLines(length - 1, "{'text':'" + text + "'}");

        assertThat(dataset.size()).isEqualTo(2);
        assertThat(dataset.examples().getLast().length()).isEqualTo(2);
        assertThat(dataset.examples().getLast().ids()).endsWith(2);
        assertThat(dataset.examples().getLast().trainedTokens()).isOne();
    }

    @ParameterizedTest
    @CsvSource({
        "alpaca/alpaca_random2000_seed42.jsonl, 1900",
        "mlx_prompt_completion/train.jsonl, 500",
        "mlx_wikisql/train.jsonl, 1000",
        "parquet/c4_validation_zstd.parquet, 1"
    })
    void realDataSetsAreReadWhole(String name, int atLeast) {
        var dataset = load(Shared.folder("data/datasets/" + name), 512);

        assertThat(dataset.size()).isGreaterThanOrEqualTo(atLeast);
        assertThat(dataset.report().examples()).isEqualTo(dataset.size());
        if (dataset.report().windows() == 0) {
            assertThat(dataset.report().rows())
                    .isEqualTo(dataset.size() + dataset.report().withoutTrainedToken());
        }
        assertThat(dataset.examples())
                .allSatisfy(e -> assertThat(e.length()).isLessThanOrEqualTo(512));
        assertThat(dataset.trainedTokens())
                .isEqualTo(dataset.report().trainedTokens())
                .isPositive();
    }

    @Test
    void wrongColumnsNameTheFile() {
        Path file = Shared.folder("data/datasets/gsm8k/test.jsonl");

        assertThatThrownBy(() -> load(file, 64))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("test.jsonl")
                .hasMessageContaining("question, answer");
    }

    private static Dataset numbered(int size) {
        var examples = new ArrayList<Example>();
        for (int i = 0; i < size; i++) {
            examples.add(Example.allTrained(1000, i));
        }
        return new Dataset(
                examples, new DatasetReport(size, size, 2L * size, size, 0, 0, 2, 0, 0, 0));
    }

    private static List<Integer> numbers(Batch batch) {
        var numbers = new ArrayList<Integer>();
        for (int i = 1; i < batch.tokens(); i += 2) {
            numbers.add(batch.ids()[i]);
        }
        return numbers;
    }

    private static List<Integer> numbers(Dataset dataset) {
        return dataset.examples().stream().map(e -> e.ids()[1]).toList();
    }

    @Test
    void aSplitIsAlwaysTheSameForItsSeedAndLosesNothing() {
        var dataset = numbered(101);
        var split = dataset.split(0.1, 42);

        assertThat(split.eval().size()).isEqualTo(11);
        assertThat(split.train().size()).isEqualTo(90);
        assertThat(numbers(split.eval()))
                .isSorted()
                .doesNotContainAnyElementsOf(numbers(split.train()));
        assertThat(numbers(split.train())).isSorted();
        assertThat(dataset.split(0.1, 42)).isEqualTo(split);
        assertThat(dataset.split(0.1, 43)).isNotEqualTo(split);
        assertThat(dataset.split(7, 42).eval().size()).isEqualTo(7);
        assertThat(dataset.split(0, 42).eval().size()).isZero();
        assertThatThrownBy(() -> dataset.split(101, 42))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("eval_split");
    }

    @Test
    void everyEpochSeesEveryExampleOnceInAnOrderOfItsOwn() {
        var batches = new Batches(numbered(10), 4, 42, true);
        var epochs = new ArrayList<List<Integer>>();
        for (int epoch = 0; epoch < 3; epoch++) {
            var seen = new ArrayList<Integer>();
            for (int i = 0; i < batches.perEpoch(); i++) {
                var batch = batches.next();
                assertThat(batch.sequences()).isEqualTo(i < 2 ? 4 : 2);
                seen.addAll(numbers(batch));
            }
            assertThat(batches.cursor()).isEqualTo(new SampleOrder.Cursor(epoch + 1, 0));
            assertThat(seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
            epochs.add(seen);
        }
        assertThat(epochs).doesNotHaveDuplicates();
    }

    @Test
    void theOrderOfASeedIsFixedForever() {
        assertThat(Shuffle.permutation(10, 42, 0)).containsExactly(PERMUTATION_42_0);
        assertThat(Shuffle.permutation(1, 42, 0)).containsExactly(0);
    }

    private static final int[] PERMUTATION_42_0 = {4, 7, 1, 3, 5, 2, 6, 8, 0, 9};

    @Test
    void withoutShufflingTheOrderIsThatOfTheFile() {
        var batches = new Batches(numbered(5), 2, 42, false);

        assertThat(numbers(batches.next())).containsExactly(0, 1);
        assertThat(numbers(batches.next())).containsExactly(2, 3);
        assertThat(numbers(batches.next())).containsExactly(4);
        assertThat(numbers(batches.next())).containsExactly(0, 1);
        assertThat(numbered(5).inOrder(2))
                .extracting(DatasetTest::numbers)
                .containsExactly(List.of(0, 1), List.of(2, 3), List.of(4));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 7})
    void aResumedRunSeesExactlyTheBatchesThatAreLeft(int before) {
        var straight = new Batches(numbered(10), 4, 7, true);
        for (int i = 0; i < before; i++) {
            straight.next();
        }
        var resumed = new Batches(numbered(10), 4, 7, true);
        resumed.seek(straight.cursor());

        for (int i = 0; i < 9; i++) {
            assertThat(resumed.next()).isEqualTo(straight.next());
        }
    }

    @Test
    void aPlaceBeyondTheDataSetIsRefused() {
        var batches = new Batches(numbered(5), 2, 7, true);

        assertThatThrownBy(() -> batches.seek(new SampleOrder.Cursor(0, 5)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("another data set");
    }
}
