package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.tensor.Blas.Matrix;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlasTest {
    private static Tensor random(long seed, long... shape) {
        var random = new Random(seed);
        int count = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, shape);
    }

    private static Matrix matrix(Tensor t) {
        return new Matrix(t.address(), (int) t.stride(0));
    }

    @Test
    void aProductOfPartsAndTransposesEqualsLibtorchs() {
        assertThat(Blas.isAvailable()).isTrue();
        try (var _ = Scope.open()) {
            Tensor a = random(1, 9, 20);
            Tensor b = random(2, 11, 30);
            Tensor c = random(3, 7, 40);
            Tensor expected = c.copy();
            Tensor part = a.narrow(0, 2, 5).narrow(1, 1, 7).t(); // [7, 5]
            Tensor other = b.narrow(0, 0, 11).narrow(1, 4, 5).t(); // [5, 11]
            expected.narrow(1, 3, 11).addmmInPlace(part, other, 0.5, 1);
            Blas.alone(
                    () ->
                            Blas.multiply(
                                    7,
                                    11,
                                    5,
                                    matrix(a).at(2 * 20 + 1).t(),
                                    matrix(b).at(4).t(),
                                    0.5f,
                                    matrix(c).at(3)));
            float[] actual = c.toFloats();
            float[] wanted = expected.toFloats();
            for (int i = 0; i < actual.length; i++) {
                assertThat(actual[i]).isCloseTo(wanted[i], within(1e-5f));
            }
        }
    }
}
