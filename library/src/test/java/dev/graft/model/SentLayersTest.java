package dev.graft.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.nn.Workspace;
import dev.graft.quant.Quantization;
import dev.graft.quant.Quantizer;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestCopies;
import dev.graft.tensor.TestCopies.Moment;
import dev.graft.tensor.TestScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Layers that are sent to a card, with the processor for the card: copies are made as early or as
/// late as a card might make them.
class SentLayersTest {
    private static final int LAYERS = 5;

    @RegisterExtension final TestScope scope = new TestScope();

    private final Workspace workspace = new Workspace();
    private final List<List<Linear>> layers = new ArrayList<>();
    private final List<List<double[]>> expected = new ArrayList<>();
    private Tensor x;

    private static Tensor random(long seed, long... shape) {
        long count = LongStream.of(shape).reduce(1, (a, b) -> a * b);
        double[] numbers = new Random(seed).doubles(count, -1, 1).toArray();
        return Tensor.of(numbers, shape).to(DType.F32);
    }

    @BeforeEach
    void layersOfPlainNumbersAndOfCodes() {
        x = random(1, 12, 64);
        for (int i = 0; i < LAYERS; i++) {
            var plain = new FrozenWeight.Dense(random(10 + i, 33 + i, 64), DType.F32);
            Tensor numbers = random(20 + i, 32, 64);
            var codes = Quantizer.quantize("w", numbers, Quantization.FourBit.DEFAULT);
            layers.add(
                    List.of(
                            new Linear("plain " + i, plain, null),
                            new Linear(
                                    "codes " + i,
                                    new FrozenWeight.Quantized(codes, DType.F32),
                                    null)));
            expected.add(layers.get(i).stream().map(this::product).toList());
        }
    }

    @AfterEach
    void close() {
        workspace.close();
    }

    private double[] product(Linear linear) {
        Tensor y = Tensor.empty(DType.F32, x.size(0), linear.weight().out());
        linear.weight().product(x, y, workspace);
        return y.toDoubles();
    }

    private void turn(SentLayers stream, TestCopies copies, int layer, int next) {
        List<FrozenWeight> home = weights(layer);
        stream.begin(layer, next);
        assertThat(weights(layer)).doesNotContainAnyElementsOf(home);
        compute(copies, layer);
    }

    private void compute(TestCopies copies, int layer) {
        for (int i = 0; i < layers.get(layer).size(); i++) {
            assertThat(product(layers.get(layer).get(i)))
                    .as("layer %d", layer)
                    .containsExactly(expected.get(layer).get(i));
        }
        copies.computed();
    }

    private List<FrozenWeight> weights(int layer) {
        return layers.get(layer).stream().map(l -> (FrozenWeight) l.weight()).toList();
    }

    private SentLayers sent(TestCopies copies) {
        return SentLayers.ofLinears(layers, copies);
    }

    @ParameterizedTest
    @EnumSource
    void everyLayerHasItsOwnNumbersInEachOfItsTurns(Moment moment) {
        var copies = new TestCopies(moment);
        List<List<FrozenWeight>> home =
                LongStream.range(0, LAYERS).mapToObj(i -> weights((int) i)).toList();
        try (var stream = sent(copies)) {
            for (int step = 0; step < 2; step++) {
                for (int i = 0; i < LAYERS; i++) {
                    turn(stream, copies, i, i + 1);
                    if (i + 1 < LAYERS) {
                        stream.end(i);
                    }
                }
                for (int i = LAYERS - 1; i >= 0; i--) {
                    stream.begin(i, i - 1);
                    compute(copies, i);
                    stream.end(i);
                }
            }
        }
        assertThat(copies.isClosed()).isTrue();
        for (int i = 0; i < LAYERS; i++) {
            assertThat(weights(i)).isEqualTo(home.get(i));
        }
    }

    @Test
    void whatIsThereIsNotSentAgain() {
        var copies = new TestCopies(Moment.LATE);
        try (var stream = sent(copies)) {
            for (int i = 0; i < LAYERS; i++) {
                turn(stream, copies, i, i + 1);
                stream.end(i);
            }
            assertThat(copies.sent()).isEqualTo(2 * LAYERS);
            for (int i = LAYERS - 1; i >= 0; i--) {
                turn(stream, copies, i, i - 1);
                stream.end(i);
            }
            assertThat(copies.sent()).isEqualTo(2 * LAYERS + 2 * (LAYERS - 2));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTurnThatBrokeOffLeavesNoOtherLayersNumbers(Moment moment) {
        var copies = new TestCopies(moment);
        try (var stream = sent(copies)) {
            turn(stream, copies, 1, 2);
            turn(stream, copies, 3, 4); // in the place of 1, which never ended
            compute(copies, 1);
        }
    }

    @Test
    void aWeightThatWasPutInPlaceOfTheBaseIsLeftAlone() {
        var copies = new TestCopies(Moment.EARLY);
        Linear linear = layers.get(0).get(0);
        try (var stream = sent(copies)) {
            var other = new FrozenWeight.Dense(random(7, 33, 64), DType.F32);
            linear.setWeight(other);
            stream.begin(0, 1);
            assertThat(linear.weight()).isSameAs(other);
            stream.end(0);
            assertThat(linear.weight()).isSameAs(other);
        }
    }

    @Test
    void twoOfTheLargestLayersFit() {
        assertThat(SentLayers.bytes(List.of(LongStream.of(1, 512), LongStream.of(513))))
                .isEqualTo(2 * 1024);
        assertThat(SentLayers.bytes(List.of(LongStream.of(100)))).isEqualTo(512);
        assertThat(SentLayers.bytes(List.of())).isZero();
    }
}
