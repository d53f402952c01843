package dev.graft.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WriteDemoBaseTest {
    @Test
    void writesAFolderToPretrainFrom(@TempDir Path folder) throws IOException {
        WriteDemoBase.write(folder.resolve("base"), 2_000, 3);
        try (var files = Files.list(folder.resolve("base"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "config.json",
                            "corpus.jsonl",
                            "tokenizer.json",
                            "tokenizer_config.json");
        }
        assertThat(Files.readAllLines(folder.resolve("base/corpus.jsonl")))
                .hasSize(2_000)
                .allMatch(line -> line.startsWith("{\"prompt\":\""));
        var json = new ObjectMapper();
        var config = json.readTree(folder.resolve("base/config.json").toFile());
        var tokenizer = json.readTree(folder.resolve("base/tokenizer.json").toFile());
        assertThat(config.path("vocab_size").asInt())
                .isEqualTo(tokenizer.at("/model/vocab").size());
    }
}
