package dev.graft.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// The places of a card's tensors, with memory of the processor on either side.
class HostSlotsTest {
    @Test
    void whatWasPutComesBackAndPlacesAreUsedAgain() {
        long before = Scope.liveTensors();
        var made = new AtomicInteger();
        try (var slots =
                        new HostSlots(
                                Device.CPU,
                                (dtype, shape) -> {
                                    made.incrementAndGet();
                                    return Tensor.empty(dtype, shape);
                                });
                var _ = Scope.open("test")) {
            for (int pass = 0; pass < 3; pass++) {
                float[] first = {1, 2, 3, pass};
                float[] second = {pass, 5};
                Tensor a = slots.put(0, Tensor.of(first, 2, 2));
                Tensor b = slots.put(1, Tensor.of(second));
                assertThat(slots.back(b).toFloats()).containsExactly(second);
                assertThat(slots.back(a).shape()).containsExactly(2, 2);
                assertThat(slots.back(a).toFloats()).containsExactly(first);
            }
            assertThat(made).hasValue(2);
            slots.put(0, Tensor.of(new float[] {1, 2, 3}));
            assertThat(made).as("a shorter one fits").hasValue(2);
            Tensor longer = slots.put(0, Tensor.of(new float[] {1, 2, 3, 4, 5}));
            assertThat(made).as("a longer one needs more").hasValue(3);
            assertThat(slots.back(longer).toFloats()).containsExactly(1, 2, 3, 4, 5);
            Tensor halves = slots.put(0, Tensor.of(new float[] {7, 8}).to(DType.BF16));
            assertThat(slots.back(halves).dtype()).isEqualTo(DType.BF16);
        }
        assertThat(Scope.liveTensors()).isEqualTo(before);
    }
}
