package dev.graft.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerFilesTest {
    @TempDir private static Path folder;
    private static TokenizerFiles files;
    private static HuggingFaceTokenizer tokenizer;

    @BeforeAll
    static void writeAndLoad() throws IOException {
        System.setProperty("ai.djl.offline", "true");
        files = new TokenizerFiles(BpeTrainer.train(corpus(), 700, 2));
        files.write(folder, 256);
        tokenizer = HuggingFaceTokenizer.newInstance(folder.resolve("tokenizer.json"));
    }

    private static Stream<String> corpus() {
        return new DemoCorpus(1).documents(2_000).map(DemoCorpus.Document::whole);
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    @Test
    void everyTextComesBackUnchanged() {
        var texts =
                List.of(
                        "Mia bought three red lamps.",
                        "  two spaces\n\n\tand a tab \r\n",
                        "{\"a\": [1, 23], \"b\": \"c\"}",
                        "naïve — “quoted” 🙂 日本語 ½",
                        " .,!? don't",
                        "");
        for (String text : texts) {
            long[] ids = tokenizer.encode(text, false, false).getIds();
            assertThat(tokenizer.decode(ids)).isEqualTo(text);
        }
    }

    @Test
    void encodingPutsTheStartTokenInFrontAndNothingBehind() {
        long[] plain = tokenizer.encode("Mia did.", false, false).getIds();
        long[] special = tokenizer.encode("Mia did.", true, false).getIds();
        assertThat(special).hasSize(plain.length + 1).startsWith(0).endsWith(plain);
        assertThat(tokenizer.encode("</s>", false, false).getIds()).containsExactly(1);
    }

    @Test
    void aWordHasTheSamePiecesWithAndWithoutASpaceBeforeIt() {
        for (String word : List.of("Tolbarin", "lamps", "harbour", "Monday", "Quimala", "14")) {
            String[] bare = tokenizer.encode(word, false, false).getTokens();
            var spaced = List.of(tokenizer.encode(" " + word, false, false).getTokens());
            assertThat(String.join(" ", spaced).replace("Ġ ", "Ġ"))
                    .isEqualTo("Ġ" + String.join(" ", bare));
        }
    }

    @Test
    void idsAreDense() {
        assertThat(files.vocabularySize()).isLessThanOrEqualTo(2 + 256 + 1_000).isGreaterThan(600);
        for (int id = 0; id < files.vocabularySize(); id++) {
            assertThat(tokenizer.decode(new long[] {id}, false)).as("id " + id).isNotNull();
        }
    }
}
