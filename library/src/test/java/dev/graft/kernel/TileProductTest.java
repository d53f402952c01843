package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import dev.graft.tensor.Blas.Matrix;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TileProductTest {
    private static final float UNTOUCHED = 7;

    private final Random random = new Random(11);

    /// Whole tiles; rows, columns and inner places left over; a result narrower than a tile.
    @ParameterizedTest
    @CsvSource({
        "16, 128, 96",
        "8, 64, 1",
        "13, 150, 200",
        "9, 17, 97",
        "64, 5, 333",
        "31, 70, 1000"
    })
    void everyShapeIsTheProductInDoublePrecision(int m, int n, int k) {
        for (boolean transposed : new boolean[] {false, true}) {
            check(m, n, k, transposed, 1, 0);
            check(m, n, k, transposed, 0.5f, 1);
            check(m, n, k, transposed, -2, 0.25f);
        }
    }

    @Test
    void whatIsNotReadMayBeAnything() {
        try (var _ = Scope.open("test")) {
            Tensor a = Tensor.full(DType.F32, 1, 8, 64);
            Tensor b = Tensor.full(DType.F32, 1, 64, 80);
            Tensor c = Tensor.full(DType.F32, Double.NaN, 8, 80);
            TileProduct.multiply(8, 80, 64, 1, matrix(a, 64), matrix(b, 80), 0, matrix(c, 80));
            assertThat(c.toFloats()).containsOnly(64);
        }
    }

    private void check(int m, int n, int k, boolean transposed, float alpha, float beta) {
        int apart = n + 3; // the columns behind c belong to someone else
        float[] left = numbers(m * k);
        float[] right = numbers(k * n);
        float[] result = numbers(m * apart);
        for (int row = 0; row < m; row++) {
            Arrays.fill(result, row * apart + n, (row + 1) * apart, UNTOUCHED);
        }
        try (var _ = Scope.open("test")) {
            Tensor a = Tensor.of(left, (long) m * k);
            Tensor b = Tensor.of(right, (long) k * n);
            Tensor c = Tensor.of(result, (long) m * apart);
            Matrix factor = transposed ? matrix(a, m).t() : matrix(a, k);
            TileProduct.multiply(m, n, k, alpha, factor, matrix(b, n), beta, matrix(c, apart));
            float[] found = c.toFloats();
            for (int row = 0; row < m; row++) {
                for (int column = 0; column < n; column++) {
                    double sum = 0;
                    double size = 0;
                    for (int i = 0; i < k; i++) {
                        double x = left[transposed ? i * m + row : row * k + i];
                        sum += x * right[i * n + column];
                        size += Math.abs(x * right[i * n + column]);
                    }
                    int at = row * apart + column;
                    double expected = alpha * sum + (beta == 0 ? 0 : beta * result[at]);
                    assertThat((double) found[at])
                            .as("[%d, %d] of %d x %d x %d", row, column, m, n, k)
                            .isCloseTo(expected, offset(1e-6 * (size + 2)));
                }
                assertThat(found[row * apart + n]).isEqualTo(UNTOUCHED);
            }
        }
    }

    private float[] numbers(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return values;
    }

    private static Matrix matrix(Tensor t, int stride) {
        return new Matrix(t.address(), stride);
    }
}
