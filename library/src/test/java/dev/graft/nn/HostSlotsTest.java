package dev.graft.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestCopies;
import dev.graft.tensor.TestCopies.Moment;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The places of a card's tensors, with memory of the processor on either side.
class HostSlotsTest {
    @ParameterizedTest
    @EnumSource
    void whatWasPutComesBackAndPlacesAreUsedAgain(Moment moment) {
        long before = Scope.liveTensors();
        var made = new AtomicInteger();
        var copies = new TestCopies(moment);
        try (var slots =
                        new HostSlots(
                                Device.CPU,
                                (dtype, shape) -> {
                                    made.incrementAndGet();
                                    return Tensor.empty(dtype, shape);
                                },
                                copies);
                var _ = Scope.open("test")) {
            for (int pass = 0; pass < 3; pass++) {
                float[] first = {1, 2, 3, pass};
                float[] second = {pass, 5};
                Tensor a = slots.put(0, Tensor.of(first, 2, 2));
                Tensor b = slots.put(1, Tensor.of(second));
                assertThat(slots.back(1, b).toFloats()).containsExactly(second);
                assertThat(slots.back(0, a).shape()).containsExactly(2, 2);
                assertThat(slots.back(0, a).toFloats()).containsExactly(first);
            }
            assertThat(made).hasValue(2);
            slots.put(0, Tensor.of(new float[] {1, 2, 3}));
            assertThat(made).as("a shorter one fits").hasValue(2);
            Tensor longer = slots.put(0, Tensor.of(new float[] {1, 2, 3, 4, 5}));
            assertThat(made).as("a longer one needs more").hasValue(3);
            assertThat(slots.back(0, longer).toFloats()).containsExactly(1, 2, 3, 4, 5);
            Tensor halves = slots.put(0, Tensor.of(new float[] {7, 8}).to(DType.BF16));
            assertThat(slots.back(0, halves).dtype()).isEqualTo(DType.BF16);
        }
        assertThat(Scope.liveTensors()).isEqualTo(before);
    }

    /// As a tape does it: what was put is freed at once, and others take its memory; the way back
    /// begins with the last, and each asks for the one before it.
    @ParameterizedTest
    @EnumSource
    void nothingIsLostOnTheWay(Moment moment) {
        long before = Scope.liveTensors();
        var copies = new TestCopies(moment);
        int layers = 7;
        try (var slots = new HostSlots(Device.CPU, Tensor::empty, copies);
                var _ = Scope.open("test")) {
            for (int pass = 0; pass < 3; pass++) {
                long rows = 100 + 10L * (pass % 2); // longer ones, and shorter ones again
                Tensor[] resting = new Tensor[layers];
                for (int i = 0; i < layers; i++) {
                    Tensor x = Tensor.full(DType.F32, number(pass, i), rows, 8);
                    copies.computed();
                    resting[i] = slots.put(i, x);
                    x.close();
                    Tensor other = Tensor.full(DType.F32, -1, rows, 8);
                    copies.computed();
                    other.close();
                }
                slots.willNeed(layers - 1);
                for (int i = layers - 1; i >= 0; i--) {
                    slots.willNeed(i - 1);
                    Tensor x = slots.back(i, resting[i]);
                    assertThat(x.shape()).containsExactly(rows, 8);
                    assertThat(
                                    x.sub(Tensor.full(DType.F32, number(pass, i), rows, 8))
                                            .abs()
                                            .max()
                                            .item())
                            .as("layer %d of pass %d", i, pass)
                            .isZero();
                    copies.computed();
                    slots.release(i);
                }
            }
        }
        assertThat(copies.isClosed()).isTrue();
        assertThat(Scope.liveTensors()).isEqualTo(before);
    }

    private static double number(int pass, int layer) {
        return 100 * pass + layer + 1;
    }
}
