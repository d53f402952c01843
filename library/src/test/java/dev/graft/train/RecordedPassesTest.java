package dev.graft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.PeftFiles;
import dev.graft.data.Batch;
import dev.graft.data.Example;
import dev.graft.error.ConfigException;
import dev.graft.golden.Golden;
import dev.graft.model.FullTuning;
import dev.graft.model.LoadOptions;
import dev.graft.nn.Parameter;
import dev.graft.nn.Recompute;
import dev.graft.tensor.Cards;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Passes as a card repeats them. A processor does them again by the same rule: what would come
/// from the host is an error.
class RecordedPassesTest {
    private static final double SCALE = 0.01;

    @RegisterExtension final TestScope scope = new TestScope();

    @TempDir Path folder;

    private static Golden.Model model(String name, DType compute, Device device) {
        return new Golden.Model(Golden.folder(name), compute, LoadOptions.PLAIN.on(device));
    }

    private static Adapter adapter(Golden.Model model, String name) {
        Path files = Golden.folder(name).resolve("lora");
        return PeftFiles.load(model.transformer, files, PeftFiles.readConfig(files).withDropout(0));
    }

    /// Random tokens in sequences of these lengths, the first of each not to be predicted.
    private static Batch batch(Random random, int vocabulary, int... lengths) {
        return Batch.of(
                IntStream.of(lengths)
                        .mapToObj(n -> random.ints(n, 0, vocabulary).toArray())
                        .map(ids -> Example.completion(1, ids))
                        .toList());
    }

    /// Five of one shape, and some of others between them.
    private static List<Batch> batches(Golden.Model model) {
        int vocabulary = model.transformer.config().vocabulary();
        var random = new Random(3);
        List<Batch> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(batch(random, vocabulary, 9, 4));
            all.add(batch(random, vocabulary, 5 + i, 3));
        }
        return all;
    }

    /// The sum of the losses and, after it, all gradients that the batches add up to.
    private static double[] sums(
            Passes passes, Golden.Model model, Collection<Parameter> parameters) {
        parameters.forEach(p -> p.gradient().zeroInPlace());
        try (var _ = Scope.open("sums", model.transformer.device())) {
            Tensor sum = Tensor.zeros(DType.F64, 1);
            for (Batch batch : batches(model)) {
                passes.add(batch, 1, SCALE, sum);
            }
            List<double[]> all = new ArrayList<>();
            all.add(new double[] {sum.item()});
            parameters.forEach(p -> all.add(p.gradient().toDoubles()));
            return all.stream().flatMapToDouble(Arrays::stream).toArray();
        }
    }

    private static void assertSame(
            Golden.Model model, Collection<Parameter> parameters, Recompute policy) {
        var asked = new Passes.Asked(model.transformer, policy, model.workspace);
        double[] expected = sums(asked, model, parameters);
        try (var passes = new RecordedPasses(model.transformer, policy, asked)) {
            assertThat(sums(passes, model, parameters)).as("%s", policy).isEqualTo(expected);
            assertThat(passes.recordings()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "families/gemma2",
                "families/gemma3_text",
                "families/glm4",
                "families/granite",
                "families/mistral",
                "families/olmo2",
                "families/phi3",
                "families/phi3-longrope",
                "families/qwen2",
                "families/qwen3",
                "families/rope-dynamic",
                "families/smollm3"
            })
    void gradientsAreThoseOfPassesThatAreAskedFor(String name) {
        try (var model = model(name, DType.F32, Device.CPU);
                var adapter = adapter(model, name)) {
            for (Recompute policy :
                    List.of(new Recompute.None(), new Recompute.Mlp(), new Recompute.Layer())) {
                assertSame(model, adapter.parameters().values(), policy);
            }
        }
    }

    @Test
    void gradientsOfEveryWeightToo() {
        try (var model = model("families/qwen3", DType.F32, Device.CPU)) {
            assertSame(model, FullTuning.attach(model.transformer), new Recompute.None());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"families/gemma2", "families/phi3", "families/qwen3"})
    void nothingComesFromTheHostWhereNumbersAreOnADevice(String name) {
        try (var model = model(name, DType.BF16, Device.META);
                var adapter = adapter(model, name)) {
            var asked = new Passes.Asked(model.transformer, new Recompute.Layer(), model.workspace);
            try (var passes = new RecordedPasses(model.transformer, new Recompute.Layer(), asked);
                    var _ = Scope.open("device", Device.META)) {
                Tensor sum = Tensor.zeros(DType.F64, 1);
                batches(model).forEach(b -> passes.add(b, 1, SCALE, sum));
                assertThat(passes.recordings()).isEqualTo(1);
                assertThat(adapter.parameters().values())
                        .allMatch(p -> p.gradient().device().equals(Device.META));
            }
        }
    }

    /// Shapes whose scale differs are different: it is a number of the kernels.
    @Test
    void anotherScaleIsAnotherShape() {
        try (var model = model("families/qwen3", DType.F32, Device.CPU);
                var _ = adapter(model, "families/qwen3")) {
            var asked = new Passes.Asked(model.transformer, new Recompute.None(), model.workspace);
            try (var passes = new RecordedPasses(model.transformer, new Recompute.None(), asked)) {
                Tensor sum = Tensor.zeros(DType.F64, 1);
                Batch batch = batch(new Random(1), 50, 6, 6);
                for (double scale : new double[] {1, 2, 1, 2, 2, 1}) {
                    passes.add(batch, 1, scale, sum);
                }
                assertThat(passes.recordings()).isEqualTo(2);
            }
        }
    }

    /// Two at most, of which one that is not used any more makes room.
    @Test
    void shapesThatDoNotComeAgainMakeRoom() {
        try (var model = model("families/qwen3", DType.F32, Device.CPU);
                var _ = adapter(model, "families/qwen3")) {
            var asked = new Passes.Asked(model.transformer, new Recompute.None(), model.workspace);
            try (var passes = new RecordedPasses(model.transformer, new Recompute.None(), asked)) {
                Tensor sum = Tensor.zeros(DType.F64, 1);
                Batch batch = batch(new Random(1), 50, 2, 2);
                for (double scale : new double[] {1, 1, 2, 2, 3, 3, 3}) {
                    passes.add(batch, 1, scale, sum);
                }
                assertThat(recorded(passes, batch)).containsExactly(1, 2);
                for (int i = 0; i < 260; i++) {
                    passes.add(batch, 1, 2, sum);
                }
                assertThat(recorded(passes, batch)).containsExactly(1, 2);
                passes.add(batch, 1, 3, sum);
                assertThat(recorded(passes, batch)).containsExactly(2, 3);
            }
        }
    }

    private static List<Integer> recorded(RecordedPasses passes, Batch batch) {
        return IntStream.range(0, 9).filter(s -> passes.isRecorded(batch, s)).boxed().toList();
    }

    @Test
    void whatChangesFromPassToPassIsRefused() {
        try (var model = model("families/qwen3", DType.F32, Device.CPU)) {
            assertRefused(model, new Recompute.Offload(folder), "gradient_checkpointing: offload");
            LoraConfig lora = LoraConfig.allLinear(4, 8).withDropout(0.05);
            try (var _ = Adapter.attach(model.transformer, lora, 1)) {
                assertRefused(model, new Recompute.None(), "lora_dropout: 0");
            }
        }
        try (var model = model("families/mixtral", DType.F32, Device.CPU)) {
            assertRefused(model, new Recompute.None(), "without experts");
        }
    }

    private static void assertRefused(Golden.Model model, Recompute policy, String word) {
        var asked = new Passes.Asked(model.transformer, policy, model.workspace);
        assertThatThrownBy(() -> new RecordedPasses(model.transformer, policy, asked))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("cuda_graphs")
                .hasMessageContaining(word);
    }

    @ParameterizedTest
    @ValueSource(strings = {"families/gemma2", "families/phi3", "families/qwen3"})
    void aCardRepeatsWhatItWasTold(String name) {
        Cards here = Cards.here();
        assumeThat(here.usable()).as(() -> here.hindrance().orElse("")).isTrue();
        for (DType compute : List.of(DType.F32, DType.BF16)) {
            try (var model = model(name, compute, here.choose("auto"));
                    var adapter = adapter(model, name)) {
                assertNear(model, adapter.parameters().values());
            }
        }
    }

    /// Sums over blocks of a card may be added in another order.
    private static void assertNear(Golden.Model model, Collection<Parameter> parameters) {
        var asked = new Passes.Asked(model.transformer, new Recompute.Layer(), model.workspace);
        double[] expected = sums(asked, model, parameters);
        double most =
                IntStream.range(1, expected.length)
                        .mapToDouble(i -> Math.abs(expected[i]))
                        .max()
                        .orElseThrow();
        try (var passes = new RecordedPasses(model.transformer, new Recompute.Layer(), asked)) {
            double[] found = sums(passes, model, parameters);
            assertThat(found[0] / expected[0] - 1).isBetween(-1e-5, 1e-5);
            for (int i = 1; i < expected.length; i++) {
                assertThat(found[i] - expected[i]).isBetween(-1e-3 * most, 1e-3 * most);
            }
        }
    }
}
