package dev.graft.kernel;

import static dev.graft.kernel.VectorKernelsTest.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Attention's tiles and its softmax; as an operation among others it is in [VectorKernelsTest].
final class VectorAttentionTest {
    private static final Kernels VECTOR = VectorKernels.INSTANCE;
    private static final Kernels TORCH = TorchKernels.INSTANCE;
    private static final float INFINITY = Float.POSITIVE_INFINITY;

    @RegisterExtension final TestScope scope = new TestScope();

    /// Scores come in tiles of 512 columns: rows that see three, and windows over two.
    @ParameterizedTest
    @CsvSource({"1, 0, 0", "3, 0, 0", "3, 0, 700", "2, 7, 0", "2, 7, 40", "1, 0, 600"})
    void attentionOverSeveralTilesIsThatOfAllColumns(int group, double cap, long window) {
        KernelCase c = KernelCase.attention(1700, 8, group, cap, window, new Random(group));
        String where = "attention of %d, %s, %d".formatted(group, cap, window);
        assertClose(where, c.run(VECTOR, DType.F32), c.run(TORCH, DType.F64), 4e-6);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 700})
    void cachedAttentionOverSeveralTilesIsThatOfAllColumns(long window) {
        KernelCase c = KernelCase.cachedAttention(1700, 8, window, new Random(window));
        assertClose("cached", c.run(VECTOR, DType.F32), c.run(TORCH, DType.F64), 4e-6);
    }

    /// Each tile has a greater score than all before, so that what was summed shrinks to nothing or
    /// nearly so.
    @Test
    void scoresThatGrowFromTileToTileKeepTheirSum() {
        int rows = 1200;
        Tensor q = Tensor.full(DType.F32, 1, 1, rows, 1);
        float[] keys = new float[rows];
        for (int i = 0; i < rows; i++) {
            int tile = i / 512;
            keys[i] = 40 * tile;
        }
        Tensor k = Tensor.of(keys, 1, rows, 1);
        Tensor v = Tensor.full(DType.F32, 3, rows, 1);
        var in = new AttentionInput(q, k, v, Packing.of(0, rows), 0, AttentionRule.plain(1));
        Tensor out = Tensor.empty(DType.F32, rows, 1);
        Tensor logSums = Tensor.empty(DType.F32, 1, rows);
        VECTOR.attention(in, out, logSums, Tensor.empty(DType.F32, in.scratch(false)));
        assertThat(out.sub(Tensor.full(DType.F32, 3, rows, 1)).abs().max().item()).isLessThan(1e-6);
        assertThat(logSums.toFloats()[1199])
                .isCloseTo((float) (80 + Math.log(1200 - 1024)), within(1e-5f));
    }

    /// Of a row whose scores come at once.
    private static float softmax(Tensor scores, int first, int end, float scale) {
        int width = (int) scores.numel();
        var softmax = new VectorSoftmax.Running(1, scale);
        softmax.take(0, scores.segment(), 0, first, end, width);
        RowPasses.scale(scores.segment(), 0, width, softmax.factor(0));
        return softmax.logSum(0);
    }

    @Test
    void hugeScoresGiveAOneHotSoftmax() {
        Tensor scores = Tensor.of(new float[] {-1e4f, 1e4f, 0, -INFINITY, 7});
        float sum = softmax(scores, 0, 4, 1);
        assertThat(scores.toFloats()).containsExactly(0, 1, 0, 0, 0);
        assertThat(sum).isEqualTo(1e4f);
    }

    @Test
    void whatHiddenColumnsHoldDoesNotMatter() {
        float[] values = new float[40];
        Arrays.fill(values, Float.NaN);
        Arrays.fill(values, 3, 23, 2);
        Tensor scores = Tensor.of(values);
        Tensor again = Tensor.of(values);
        float sum = softmax(scores, 3, 23, 0.5f);
        VectorSoftmax.again(again.segment(), 0, 3, 23, 40, 0.5f, sum);
        float[] p = scores.toFloats();
        float[] q = again.toFloats();
        for (int i = 0; i < p.length; i++) {
            float expected = i >= 3 && i < 23 ? 1f / 20 : 0;
            assertThat(p[i]).isCloseTo(expected, within(1e-7f));
            assertThat(q[i]).isCloseTo(expected, within(1e-7f));
        }
    }
}
