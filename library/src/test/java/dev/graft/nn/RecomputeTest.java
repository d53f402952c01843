package dev.graft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.PeftFiles;
import dev.graft.adapter.TargetModules;
import dev.graft.export.RandomModel;
import dev.graft.golden.Golden;
import dev.graft.model.FullTuning;
import dev.graft.model.ModelConfig;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The policies: equal gradients, and the memory that `docs/activations.md` says.
class RecomputeTest {
    private static final int LAYERS = 8;
    private static final int RANK = 4;
    private static final double SCALE = 0.01;

    @TempDir Path folder;
    @RegisterExtension final TestScope scope = new TestScope();

    private List<Recompute> policies() {
        return List.of(
                new Recompute.None(),
                new Recompute.Mlp(),
                new Recompute.Layer(),
                new Recompute.Offload(folder));
    }

    /// Two sequences of random tokens, most of them with a label.
    private static double pass(Golden.Model model, int tokens, Recompute policy, Runnable between) {
        var random = new Random(tokens);
        int vocabulary = model.transformer.config().vocabulary();
        int[] ids = random.ints(tokens, 0, vocabulary).toArray();
        int[] labels = random.ints(tokens, -5, vocabulary).toArray();
        int first = tokens / 3;
        int[] positions = new int[tokens];
        for (int i = 0; i < tokens; i++) {
            positions[i] = i < first ? i : i - first;
        }
        try (var _ = Scope.open("pass");
                var tape = Tape.recording(model.workspace, 11, policy)) {
            int[] offsets = {0, first, tokens};
            double loss =
                    Losses.of(model.transformer, tape, ids, positions, offsets, labels, SCALE);
            between.run();
            tape.backward();
            return loss;
        }
    }

    private void assertEqualGradients(Golden.Model model, Collection<Parameter> parameters) {
        Map<String, Tensor> expected = new LinkedHashMap<>();
        double loss = Double.NaN;
        for (Recompute policy : policies()) {
            parameters.forEach(p -> p.gradient().zeroInPlace());
            double found = pass(model, 97, policy, () -> {});
            if (expected.isEmpty()) {
                loss = found;
                parameters.forEach(p -> expected.put(p.name(), p.gradient().copy()));
                assertThat(expected.values()).allMatch(g -> g.abs().max().item() > 0);
            }
            assertThat(found).as(policy.toString()).isEqualTo(loss);
            for (Parameter p : parameters) {
                assertThat(p.gradient().sameAs(expected.get(p.name())))
                        .as("%s of %s", p.name(), policy)
                        .isTrue();
            }
        }
    }

    @Test
    void everyPolicyGivesTheSameGradientsOfAnAdapterWithDropout() {
        Path peft = Golden.folder("llama-tiny-lora");
        LoraConfig config = PeftFiles.readConfig(peft).withDropout(0.1);
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var adapter = PeftFiles.load(model.transformer, peft, config)) {
            assertEqualGradients(model, adapter.parameters().values());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "qwen3",
                "gemma2",
                "gemma3_text",
                "phi3",
                "granite",
                "olmo2",
                "smollm3",
                "mixtral",
                "qwen3_moe"
            })
    void everyPolicyGivesTheSameGradientsOfAFamily(String family) {
        Path peft = Golden.folder("families/" + family + "/lora");
        LoraConfig config = PeftFiles.readConfig(peft).withDropout(0.1);
        try (var model = new Golden.Model("families/" + family, DType.F32);
                var adapter = PeftFiles.load(model.transformer, peft, config)) {
            assertEqualGradients(model, adapter.parameters().values());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama-tiny",
                "variants/tied",
                "variants/bias",
                "families/gemma2",
                "families/phi3",
                "families/olmo2",
                "families/qwen3_moe"
            })
    void everyPolicyGivesTheSameGradientsOfEveryWeight(String name) {
        try (var model = new Golden.Model(name, DType.F32)) {
            assertEqualGradients(model, FullTuning.attach(model.transformer));
        }
    }

    /// More tokens than are passed through feed-forward blocks at once: sums over tiles are rounded
    /// on the way. Experts of a tile are those of its tokens.
    @ParameterizedTest
    @ValueSource(strings = {"qwen3", "gemma2", "phi3", "granite", "olmo2", "qwen3_moe"})
    void tilesGiveTheGradientsOfTheWhole(String family) {
        Path peft = Golden.folder("families/" + family + "/lora");
        LoraConfig config = PeftFiles.readConfig(peft).withDropout(0);
        try (var model = new Golden.Model("families/" + family, DType.F32);
                var adapter = PeftFiles.load(model.transformer, peft, config)) {
            assertNearGradients(model, adapter.parameters().values());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-tiny", "families/gemma2", "families/olmo2"})
    void tilesGiveTheGradientsOfEveryWeight(String name) {
        try (var model = new Golden.Model(name, DType.F32)) {
            assertNearGradients(model, FullTuning.attach(model.transformer));
        }
    }

    private void assertNearGradients(Golden.Model model, Collection<Parameter> parameters) {
        int tokens = 2 * 1024 + 100;
        double loss = pass(model, tokens, new Recompute.None(), () -> {});
        Map<String, double[]> expected = new LinkedHashMap<>();
        parameters.forEach(p -> expected.put(p.name(), p.gradient().toDoubles()));
        for (Recompute policy : policies().subList(1, 4)) {
            parameters.forEach(p -> p.gradient().zeroInPlace());
            assertThat(pass(model, tokens, policy, () -> {}))
                    .isCloseTo(loss, withinPercentage(1e-4));
            for (Parameter p : parameters) {
                double[] wanted = expected.get(p.name());
                double most = DoubleStream.of(wanted).map(Math::abs).max().orElseThrow();
                assertThat(p.gradient().toDoubles())
                        .as("%s of %s", p.name(), policy)
                        .containsExactly(wanted, within(2e-5 * most));
            }
        }
    }

    /// A replayed tile draws the masks that it drew when it was passed: the gradients are those of
    /// the loss, and the same under each policy.
    @Test
    void tilesDrawTheirDropoutAgain() {
        int tokens = 2000;
        try (var model = random();
                var adapter = Adapter.attach(model.transformer, lora("up_proj", "down_proj"), 1)) {
            var parameters = adapter.parameters().values();
            Map<String, Tensor> gradients = new LinkedHashMap<>();
            double loss = Double.NaN;
            for (Recompute policy : policies().subList(1, 4)) {
                parameters.forEach(p -> p.gradient().zeroInPlace());
                loss = pass(model, tokens, policy, () -> {});
                for (Parameter p : parameters) {
                    Tensor copy = p.gradient().copy();
                    Tensor before = gradients.putIfAbsent(p.name(), copy);
                    assertThat(before == null || copy.sameAs(before))
                            .as("%s of %s", p.name(), policy)
                            .isTrue();
                }
            }
            double square = 0;
            for (Tensor g : gradients.values()) {
                square += DoubleStream.of(g.toDoubles()).map(d -> d * d).sum();
            }
            double step = 1e-4 * SCALE * loss / square;
            parameters.forEach(p -> p.value().addInPlace(gradients.get(p.name()), step));
            double moved = pass(model, tokens, new Recompute.Layer(), () -> {});
            assertThat((moved - loss) * SCALE / (step * square)).isCloseTo(1, within(0.05));
        }
    }

    /// What is kept differs where some maps have no adapter, or the first layers have none.
    @ParameterizedTest
    @ValueSource(strings = {"q_proj", "v_proj,down_proj", "up_proj", "o_proj", "lm_head"})
    void everyPolicyGivesTheSameGradientsOfSomeModules(String targets) {
        try (var model = random();
                var adapter = Adapter.attach(model.transformer, lora(targets.split(",")), 1)) {
            assertEqualGradients(model, adapter.parameters().values());
        }
    }

    /// An adapter whose A and B are random from the start.
    private static LoraConfig lora(String... targets) {
        return new LoraConfig(
                RANK,
                8,
                0.1,
                new TargetModules.Names(List.of(targets)),
                null,
                LoraConfig.Bias.NONE,
                false,
                List.of(),
                Map.of(),
                Map.of(),
                List.of(),
                List.of(),
                LoraConfig.Init.FALSE,
                null);
    }

    /// The numbers a token that live at a time, as in `docs/activations.md`.
    private static final class Table {
        final double h;
        final double f;
        final double attention;
        final double mlp;
        final double norm;

        /// cos, sin and id.
        final double pass;

        Table(ModelConfig config) {
            var shape = config.attention();
            double n = shape.heads();
            double heads = n * shape.headWidth();
            double keys = (double) shape.keyHeads() * shape.headWidth();
            h = config.hidden();
            f = config.feedForward();
            attention = h + 1 + heads + 2 * keys + heads + n + 4 * RANK;
            mlp = h + 1 + 2 * f + 3 * RANK;
            norm = h + 1;
            pass = shape.headWidth() + 1;
        }

        /// After the forward pass. The norm of layer 0 needs no gradient and keeps no sums.
        double kept(Recompute policy) {
            return pass
                    + norm
                    + switch (policy) {
                        case Recompute.None _ -> LAYERS * (attention + mlp) - 1;
                        case Recompute.Mlp _ -> LAYERS * (attention + h) - 1;
                        case Recompute.Layer _ -> (LAYERS - 1) * h + attention + mlp;
                        case Recompute.Offload _ -> attention + mlp;
                    };
        }

        /// In the backward pass of a feed-forward block.
        double peak(Recompute policy) {
            double backward = h + 2 * f + RANK; // gradient of y and of silu(g)·u, silu(g)·u, u
            return switch (policy) {
                case Recompute.None _ -> kept(policy) - norm + backward;
                case Recompute.Mlp _ -> kept(policy) - norm + mlp - h + h + backward;
                case Recompute.Layer _ ->
                        pass + (LAYERS - 1) * h + attention + mlp - h + 2 * h + backward;
                case Recompute.Offload _ -> pass + attention + mlp - h + 2 * h + backward;
            };
        }
    }

    @Test
    void whatIsKeptAndThePeakAreWhatTheTableSays() {
        int tokens = 200;
        try (var model = random();
                var adapter = Adapter.attach(model.transformer, LoraConfig.allLinear(RANK, 8), 1)) {
            assertThat(adapter.parameters()).hasSize(LAYERS * 14);
            var table = new Table(model.transformer.config());
            for (Recompute policy : policies()) {
                pass(model, tokens, policy, () -> {}); // the workspace grows
                long before = Scope.liveBytes();
                long[] kept = new long[1];
                Scope.resetPeak();
                pass(
                        model,
                        tokens,
                        policy,
                        () -> kept[0] = Scope.liveBytes() - before - Losses.SUM_BYTES);
                double peak = (Scope.peakBytes() - before - Losses.SUM_BYTES) / 4.0 / tokens;
                assertThat(kept[0] / 4.0 / tokens)
                        .as("kept by %s, with the gradient of the normed output", policy)
                        .isEqualTo(table.kept(policy) + table.h);
                assertThat(peak).as("peak of %s", policy).isEqualTo(table.peak(policy));
            }
            assertThat(policies().stream().map(table::peak).map(Double::longValue))
                    .as("numbers a token")
                    .containsExactly(5628L, 2433L, 1391L, 1167L);
        }
    }

    @Test
    void liveBytesAfterSixPassesAreThoseAfterOne() {
        try (var model = random();
                var _ = Adapter.attach(model.transformer, lora("q_proj", "down_proj"), 1)) {
            for (Recompute policy : policies()) {
                pass(model, 120, policy, () -> {});
                long bytes = Scope.liveBytes();
                long tensors = Scope.liveTensors();
                for (int i = 0; i < 5; i++) {
                    pass(model, 100 + 4 * i, policy, () -> {});
                }
                assertThat(Scope.liveBytes()).as(policy.toString()).isEqualTo(bytes);
                assertThat(Scope.liveTensors()).as(policy.toString()).isEqualTo(tensors);
            }
        }
    }

    @Test
    void aPassThatIsGivenUpLeavesNothing() {
        try (var model = random();
                var _ = Adapter.attach(model.transformer, lora("q_proj", "down_proj"), 1)) {
            for (Recompute policy : policies()) {
                pass(model, 60, policy, () -> {});
                long bytes = Scope.liveBytes();
                assertThatThrownBy(
                                () ->
                                        pass(
                                                model,
                                                60,
                                                policy,
                                                () -> {
                                                    throw new IllegalStateException("enough");
                                                }))
                        .hasMessage("enough");
                assertThat(Scope.liveBytes()).as(policy.toString()).isEqualTo(bytes);
            }
        }
    }

    /// An evaluation keeps no more than the widest block of one layer.
    @Test
    void inferenceHoldsOneBlockAtATime() {
        int tokens = 200;
        try (var model = random()) {
            int[] ids = new Random(1).ints(tokens, 0, 128).toArray();
            int[] labels = new Random(2).ints(tokens, 0, 128).toArray();
            var table = new Table(model.transformer.config());
            double[] peak = new double[2];
            for (int i = 0; i < peak.length; i++) {
                long before = Scope.liveBytes();
                Scope.resetPeak();
                try (var _ = Scope.open("pass");
                        var tape = Tape.inference(model.workspace)) {
                    int[] positions = IntStream.range(0, tokens).toArray();
                    int[] offsets = {0, tokens};
                    Losses.of(model.transformer, tape, ids, positions, offsets, labels, 1);
                }
                peak[i] = (Scope.peakBytes() - before - Losses.SUM_BYTES) / 4.0 / tokens;
            }
            // input of the layer and of the block, one number a row, the normed input, gate, up and
            // their product
            assertThat(peak[1]).isEqualTo(table.pass + 3 * table.h + 1 + 3 * table.f);
        }
    }

    /// A random model of eight layers in which T·F is more than the rest of a layer.
    private Golden.Model random() {
        try {
            var json = new ObjectMapper();
            Path source = Golden.folder("llama-tiny").resolve("config.json");
            var config = (ObjectNode) json.readTree(source.toFile());
            config.put("num_hidden_layers", LAYERS).put("intermediate_size", 224);
            Path from = Files.createDirectories(folder.resolve("config"));
            Path to = Files.createDirectories(folder.resolve("model"));
            Files.writeString(from.resolve("config.json"), config.toString());
            RandomModel.write(from, to, DType.F32, 3);
            return new Golden.Model(to, DType.F32);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
