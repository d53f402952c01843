package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.adapter.PeftFiles;
import dev.graft.model.DecodeStep;
import dev.graft.model.KeyValueCache;
import dev.graft.model.LoadOptions;
import dev.graft.nn.Tape;
import dev.graft.tensor.Cards;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Recorder;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The pass of a token that a card repeats by itself, against the pass of any token.
class DecodeStepTest {
    @RegisterExtension final TestScope scope = new TestScope();

    /// The host is told how many tokens an expert gets; dynamic frequencies depend on the length.
    private static final Set<String> NOT_THE_SAME =
            Set.of(
                    "mixtral",
                    "olmoe",
                    "qwen3_moe",
                    "qwen3_moe-normalized",
                    "rope-dynamic",
                    "rope-longrope",
                    "phi3-longrope");

    static List<String> families() throws Exception {
        return FamiliesTest.families();
    }

    private static Path folder(String family) {
        return Golden.folder("families/" + family);
    }

    private static float[] any(Golden.Model model, int[] ids, KeyValueCache cache) {
        try (var _ = Scope.open("any", model.transformer.device());
                var tape = Tape.inference(model.workspace)) {
            return model.transformer.next(tape, ids, cache).toFloats();
        }
    }

    private static int greatest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    private static int[] greedy(Golden.Model model, int[] prompt, int count) {
        int[] made = new int[count];
        try (var cache = new KeyValueCache(model.transformer, prompt.length + count)) {
            assumeThat(DecodeStep.fits(model.transformer, cache)).isTrue();
            try (var step = new DecodeStep(model.transformer, cache, model.workspace)) {
                made[0] = greatest(any(model, prompt, cache));
                for (int i = 1; i < count; i++) {
                    made[i] = greatest(step.next(made[i - 1]).toFloats());
                }
            }
        }
        return made;
    }

    @ParameterizedTest
    @MethodSource("families")
    void greedyTokensAreThoseOfTransformers(String family) {
        JsonNode expected = Golden.json("families/" + family + "/expected.json");
        int[] prompt = Golden.ints(expected.get("prompt"));
        int[] golden = Golden.ints(expected.get("greedy"));
        try (var model = new Golden.Model(folder(family), DType.F32, LoadOptions.PLAIN)) {
            assertThat(greedy(model, prompt, golden.length)).containsExactly(golden);
            try (var _ = PeftFiles.load(model.transformer, folder(family).resolve("lora"))) {
                int[] adapted = Golden.ints(expected.get("lora_greedy"));
                assertThat(greedy(model, prompt, adapted.length)).containsExactly(adapted);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void whatDependsOnTheTokenOrTheLengthIsNotRepeated(String family) {
        try (var model = new Golden.Model(folder(family), DType.F32, LoadOptions.PLAIN);
                var cache = new KeyValueCache(model.transformer, 2000)) {
            assertThat(DecodeStep.fits(model.transformer, cache))
                    .isEqualTo(!NOT_THE_SAME.contains(family));
        }
    }

    /// More tokens than columns are recorded for at a time, and than a window is wide.
    @ParameterizedTest
    @ValueSource(strings = {"qwen3", "gemma2", "gemma3_text", "phi3"})
    void logitsStayThoseOfAnyTokenWhileTheCacheGrows(String family) {
        int tokens = 530;
        try (var model = new Golden.Model(folder(family), DType.F32, LoadOptions.PLAIN);
                var one = new KeyValueCache(model.transformer, tokens);
                var other = new KeyValueCache(model.transformer, tokens);
                var step = new DecodeStep(model.transformer, one, model.workspace)) {
            int[] ids =
                    new Random(1)
                            .ints(tokens, 0, model.transformer.config().vocabulary())
                            .toArray();
            for (int i = 0; i < tokens; i++) {
                float[] expected = any(model, new int[] {ids[i]}, other);
                float[] found = step.next(ids[i]).toFloats();
                for (int v = 0; v < found.length; v++) {
                    assertThat(found[v]).as("token %d", i).isCloseTo(expected[v], within(1e-4f));
                }
            }
            assertThat(one.length()).isEqualTo(tokens);
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void nothingComesFromTheHost(String family) {
        var on = LoadOptions.PLAIN.on(Device.META);
        try (var model = new Golden.Model(folder(family), DType.BF16, on);
                var cache = new KeyValueCache(model.transformer, 300)) {
            assumeThat(DecodeStep.fits(model.transformer, cache)).isTrue();
            try (var step = new DecodeStep(model.transformer, cache, model.workspace)) {
                for (int i = 0; i < 260; i++) {
                    assertThat(step.next(1).device()).isEqualTo(Device.META);
                }
            }
        }
    }

    @Test
    void numbersOfTheHostAreRefusedInWhatIsRepeated() {
        Runnable work = () -> Tensor.of(new int[] {1});
        assertThatThrownBy(() -> Recorder.on(Device.CPU).record(work))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("numbers of the host");
        assertThat(Tensor.of(new int[] {1}).toInts()).containsExactly(1);
    }

    @ParameterizedTest
    @MethodSource("families")
    void aCardRepeatsWhatItWasTold(String family) {
        Cards here = Cards.here();
        assumeThat(here.usable()).as(() -> here.hindrance().orElse("")).isTrue();
        JsonNode expected = Golden.json("families/" + family + "/expected.json");
        int[] prompt = Golden.ints(expected.get("prompt"));
        int[] golden = Golden.ints(expected.get("greedy"));
        var on = LoadOptions.PLAIN.on(here.choose("auto"));
        try (var model = new Golden.Model(folder(family), DType.F32, on)) {
            assertThat(greedy(model, prompt, golden.length)).containsExactly(golden);
        }
    }
}
