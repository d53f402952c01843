package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.Shared;
import dev.graft.data.Tokenizer;
import dev.graft.generate.GenerationOptions;
import dev.graft.generate.Generator;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A real pretrained Llama (stories260K) against the outputs recorded beside it.
class StoriesTest {
    private final Path folder = Shared.folder("models/stories260K");
    private final JsonNode golden;

    StoriesTest() throws Exception {
        golden = new ObjectMapper().readTree(Files.readString(folder.resolve("golden.json")));
    }

    @Test
    void logitsOfAPromptEqualTheRecordedOnes() {
        try (var model = Golden.onDevice(folder, DType.F32);
                var _ = Scope.open("test", Golden.DEVICE)) {
            float[] logits = model.logits(Golden.ints(golden.get("logits_prompt_ids"))).toFloats();
            double[] expected = Golden.doubles(golden.get("logits_last"));
            int last = logits.length - expected.length;
            for (int i = 0; i < expected.length; i++) {
                assertThat((double) logits[last + i])
                        .isBetween(expected[i] - 1e-4, expected[i] + 1e-4);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void twoHundredGreedyTokensEqualTheRecordedOnes(boolean repeats) {
        try (var model = Golden.onDevice(folder, DType.F32);
                var tokenizer = Tokenizer.load(folder);
                var generator = new Generator(model.transformer, tokenizer, DType.F32, repeats)) {
            var out =
                    generator.generate(
                            Golden.ints(golden.get("prompt_ids")),
                            GenerationOptions.greedy(200),
                            piece -> {});
            int[] all = Golden.ints(golden.get("greedy_ids"));
            assertThat(out.ids()).isEqualTo(java.util.Arrays.copyOfRange(all, 1, all.length));
            assertThat(out.text())
                    .startsWith("Once upon a time, there was a little girl named Lily.");
        }
    }
}
