package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.PeftFiles;
import dev.graft.error.ConfigException;
import dev.graft.golden.Golden.Tokens;
import dev.graft.model.BaseResidency;
import dev.graft.model.FullTuning;
import dev.graft.model.LoadOptions;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.nn.Parameter;
import dev.graft.nn.Recompute;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.Tape;
import dev.graft.optim.AdamW;
import dev.graft.optim.Decay;
import dev.graft.quant.Quantization;
import dev.graft.tensor.Cards;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Passes as a card makes them, without a card: on a device without numbers, where every look at
/// one from the host fails, and in bfloat16.
class DevicePassTest {
    @TempDir private Path written;
    @RegisterExtension final TestScope scope = new TestScope();

    static List<String> families() throws Exception {
        return FamiliesTest.families();
    }

    private static Path folder(String family) {
        return Golden.folder("families/" + family);
    }

    private static Tokens tokens(String family) {
        JsonNode expected = Golden.json("families/" + family + "/expected.json");
        return Tokens.of(expected.get("sequences"));
    }

    private static Golden.Model model(String family, DType compute, Device device) {
        return new Golden.Model(folder(family), compute, LoadOptions.PLAIN.on(device));
    }

    private static Adapter adapter(Golden.Model model, String family) {
        return PeftFiles.load(model.transformer, folder(family).resolve("lora"));
    }

    /// The router of a mixture of experts tells the host how many tokens each gets.
    private static void assumeNoRouter(Golden.Model model) {
        assumeThat(model.transformer.linears().keySet())
                .as("no mixture of experts")
                .noneMatch(
                        name ->
                                name.endsWith(".experts.0.down_proj")
                                        || name.endsWith("experts.0.w2"));
    }

    /// A step without its two readings, the loss and the norm of the gradient.
    private static void step(Golden.Model model, Tokens tokens, Collection<Parameter> parameters) {
        List<Parameter> all = new ArrayList<>(parameters);
        try (var optimizer = new AdamW(all, AdamW.Settings.DEFAULT, Decay::applies);
                var _ = Scope.open("step", model.transformer.device());
                var tape = Tape.recording(model.workspace, 1, new Recompute.Layer())) {
            Tensor sum = Tensor.zeros(DType.F64, 1);
            model.transformer.loss(
                    tape,
                    tokens.ids(),
                    tokens.positions(),
                    tokens.offsets(),
                    tokens.labels(),
                    1.0 / tokens.trained(),
                    sum);
            tape.backward();
            optimizer.step(1e-3, 1);
            assertThat(sum.device()).isEqualTo(model.transformer.device());
            assertThatThrownBy(sum::item).hasMessageContaining("meta");
        }
        for (Parameter p : all) {
            assertThat(p.value().device()).as(p.name()).isEqualTo(Device.META);
            assertThat(p.gradient().dtype()).as(p.name()).isEqualTo(DType.F32);
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void aStepOfLoraLooksAtNoNumber(String family) {
        for (DType compute : List.of(DType.F32, DType.BF16, DType.F16)) {
            try (var model = model(family, compute, Device.META);
                    var adapter = adapter(model, family)) {
                assumeNoRouter(model);
                step(model, tokens(family), adapter.parameters().values());
            }
        }
    }

    /// More tokens than are passed through feed-forward blocks at once.
    @ParameterizedTest
    @MethodSource("families")
    void aStepByTilesLooksAtNoNumber(String family) {
        try (var model = model(family, DType.BF16, Device.META);
                var adapter = adapter(model, family)) {
            assumeNoRouter(model);
            Tokens few = tokens(family);
            Tokens many = few.times(2500 / few.ids().length);
            step(model, many, adapter.parameters().values());
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void aStepOfFullFineTuningLooksAtNoNumber(String family) {
        try (var model = model(family, DType.BF16, Device.META)) {
            assumeNoRouter(model);
            step(model, tokens(family), FullTuning.attach(model.transformer));
        }
    }

    /// What is trained from is not rounded to the type of the computation first.
    @Test
    void aCardGetsWeightsThatAreTrainedAsTheFilesHaveThem() {
        var options = LoadOptions.PLAIN.on(Device.META).whole(true);
        try (var model = new Golden.Model(folder("mistral"), DType.BF16, options)) {
            for (Linear linear : model.transformer.linears().values()) {
                assertThat(((FrozenWeight.Dense) linear.weight()).stored().dtype())
                        .as(linear.name())
                        .isEqualTo(DType.F32);
            }
            for (RmsNorm norm : model.transformer.norms().values()) {
                assertThat(norm.weight().dtype()).as(norm.name()).isEqualTo(DType.F32);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void aStepFromABaseInTheHostsMemoryLooksAtNoNumber(String family) {
        for (DType compute : List.of(DType.F32, DType.BF16)) {
            try (var model =
                            new Golden.Model(folder(family), compute, streamed(Device.META, null));
                    var adapter = adapter(model, family)) {
                assumeNoRouter(model);
                assertThat(layers(model)).allMatch(w -> deviceOf(w).equals(Device.CPU));
                step(model, tokens(family), adapter.parameters().values());
            }
        }
    }

    @Test
    void aBaseThatIsTrainedStaysOnTheDevice() {
        LoadOptions streamed = streamed(Device.META, null);
        assertThatThrownBy(
                        () -> new Golden.Model(folder("mistral"), DType.BF16, streamed.whole(true)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("base_residency: streamed");
        LoraConfig saving =
                Golden.loraConfig(
                        written,
                        "{'target_modules': ['q_proj'], 'modules_to_save': ['down_proj']}");
        try (var model = new Golden.Model(folder("mistral"), DType.BF16, streamed);
                var adapter = Adapter.attach(model.transformer, saving, 1)) {
            assertThat(adapter.parameters().keySet()).anyMatch(n -> n.contains("down_proj"));
            step(model, tokens("mistral"), adapter.parameters().values());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nf4", "fp4", "int8"})
    void codesOfFilesAreBroughtToADevice(String kind) {
        Path folder = Golden.folder("qlora/llama-tiny-" + kind);
        Tokens tokens = Tokens.of(Golden.json("qlora/expected.json").get("sequences"));
        var config = LoraConfig.allLinear(4, 8);
        try (var model = new Golden.Model(folder, DType.BF16, LoadOptions.PLAIN.on(Device.META));
                var adapter = Adapter.attach(model.transformer, config, 1)) {
            assertThat(layers(model)).allMatch(w -> deviceOf(w).equals(Device.META));
            step(model, tokens, adapter.parameters().values());
        }
    }

    private static LoadOptions streamed(Device device, Quantization quantization) {
        return new LoadOptions(quantization, null, BaseResidency.STREAMED, device, (_, _) -> {});
    }

    private static List<FrozenWeight> layers(Golden.Model model) {
        return model.transformer.linears().values().stream()
                .filter(l -> l.name().contains("layers."))
                .map(l -> (FrozenWeight) l.weight())
                .toList();
    }

    private static Device deviceOf(FrozenWeight weight) {
        return switch (weight) {
            case FrozenWeight.Dense d -> d.stored().device();
            case FrozenWeight.Quantized q -> q.tensor().matrix().codes().device();
        };
    }

    @ParameterizedTest
    @MethodSource("families")
    void aCardReadsTheBaseFromTheHostsMemoryAsFromItsOwn(String family) {
        Device card = card();
        for (Quantization how : new Quantization[] {null, Quantization.FourBit.DEFAULT}) {
            var resident = new LoadOptions(how, null, BaseResidency.AUTO, card, (_, _) -> {});
            try (var one = new Golden.Model(folder(family), DType.BF16, resident);
                    var other = new Golden.Model(folder(family), DType.BF16, streamed(card, how));
                    var _ = adapter(one, family);
                    var _ = adapter(other, family)) {
                assertThat(layers(other)).allMatch(w -> deviceOf(w).equals(Device.CPU));
                Tokens tokens = tokens(family);
                assertThat(other.lossAndGradients(tokens)).isEqualTo(one.lossAndGradients(tokens));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void sixteenBitsGiveNearlyTheLossAndTheGradientsOfFloat32(String family) {
        assertNearFloat32(family, DType.BF16, Device.CPU, 0.01, 0.99);
        assertNearFloat32(family, DType.F16, Device.CPU, 0.002, 0.995);
    }

    @ParameterizedTest
    @MethodSource("families")
    void aCardGivesTheLossAndTheGradientsOfTheProcessor(String family) {
        Device card = card();
        assertNearFloat32(family, DType.F32, card, 1e-5, 0.99999);
        assertNearFloat32(family, DType.BF16, card, 0.01, 0.99);
        assertNearFloat32(family, DType.F16, card, 0.002, 0.995);
    }

    private static Device card() {
        Cards here = Cards.here();
        assumeThat(here.usable()).as(() -> here.hindrance().orElse("")).isTrue();
        return here.choose("auto");
    }

    /// @param most relative difference of the losses
    /// @param cosine of the angle between the gradients, at least
    static void assertNearFloat32(
            String family, DType compute, Device device, double most, double cosine) {
        try (var exact = model(family, DType.F32, Device.CPU);
                var other = model(family, compute, device);
                var wanted = adapter(exact, family);
                var found = adapter(other, family)) {
            Tokens tokens = tokens(family);
            double loss = exact.lossAndGradients(tokens);
            assertThat(other.lossAndGradients(tokens) / loss - 1).isBetween(-most, most);
            double dot = 0;
            double a = 0;
            double b = 0;
            for (Parameter p : wanted.parameters().values()) {
                double[] x = p.gradient().toDoubles();
                double[] y = found.parameters().get(p.name()).gradient().toDoubles();
                for (int i = 0; i < x.length; i++) {
                    dot += x[i] * y[i];
                    a += x[i] * x[i];
                    b += y[i] * y[i];
                }
            }
            assertThat(dot / Math.sqrt(a * b)).as("cosine").isGreaterThan(cosine);
            assertThat(Math.sqrt(b / a)).as("norm").isBetween(0.95, 1.05);
        }
    }
}
