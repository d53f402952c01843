package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CopyQueueTest {
    private static final int NUMBERS = 1 << 22;

    static List<String> devices() {
        return List.of("cpu", "cuda");
    }

    /// Two places and many copies, each of which is added up after its mark while the next one
    /// travels to the other place.
    @ParameterizedTest
    @MethodSource("devices")
    void whatIsComputedAfterAMarkSeesWhatWasSentBeforeIt(String name) {
        assumeThat(name.equals("cpu") || Cards.here().usable())
                .as(() -> Cards.here().hindrance().orElse(""))
                .isTrue();
        Device device = Cards.here().choose(name);
        try (var _ = Scope.open("test", device);
                var copies = CopyQueue.of(device)) {
            Tensor[] places = new Tensor[2];
            for (int i = 0; i < 2; i++) {
                places[i] = Tensor.empty(DType.F32, NUMBERS);
            }
            Tensor sum = Tensor.zeros(DType.F32, NUMBERS);
            double expected = 0;
            for (int i = 0; i < 20; i++) {
                Tensor number = Tensor.full(DType.F32, i, NUMBERS).besides(device);
                copies.follow();
                copies.send(number, places[i % 2]);
                copies.mark(i % 2);
                if (i > 0) {
                    copies.await((i - 1) % 2);
                    sum.addInPlace(places[(i - 1) % 2]);
                    expected += i - 1;
                }
            }
            double[] found = sum.toDoubles();
            assertThat(found[0]).isEqualTo(expected);
            assertThat(found[NUMBERS - 1]).isEqualTo(expected);
        }
    }
}
