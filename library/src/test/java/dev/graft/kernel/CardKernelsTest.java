package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.tensor.Cards;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.FlashAttention;
import dev.graft.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The CUDA kernels on the card of this machine.
class CardKernelsTest extends CudaKernelsCases {
    @BeforeAll
    static void needACard() {
        Cards here = Cards.here();
        assumeTrue(here.usable(), () -> here.hindrance().orElse(""));
    }

    @Override
    CudaKernels kernels() {
        return CudaKernels.on(device());
    }

    @Override
    CudaKernels kernelsAgain() {
        return kernels();
    }

    @Override
    Device device() {
        return Cards.here().choose("auto");
    }

    private static Tensor random(long seed, long... shape) {
        long count = 1;
        for (long d : shape) {
            count *= d;
        }
        double[] numbers = new Random(seed).doubles(count, -1, 1).toArray();
        return Tensor.of(numbers, shape).to(DType.BF16);
    }

    /// Three sequences of one batch, heads that share keys, with and without a window.
    @ParameterizedTest
    @CsvSource({"4, 4, 64, 0", "4, 2, 64, 0", "8, 1, 128, 0", "4, 2, 96, 5", "2, 2, 256, 0"})
    void flashAttentionIsThatOfAllScores(int heads, int keyHeads, int width, int window) {
        assumeTrue(FlashAttention.fits(DType.BF16, device(), width), "this card has none");
        int[] offsets = {0, 1, 40, 170};
        Tensor q = random(1, heads, 170, width);
        Tensor k = random(2, keyHeads, 170, width);
        Tensor v = random(3, 170, (long) keyHeads * width);
        Tensor dOut = random(4, 170, (long) heads * width);
        var rule = new AttentionRule(1 / Math.sqrt(width), 0, window);
        var input = new AttentionInput(q, k, v, Packing.of(offsets), 0, rule);
        Tensor[][] made = new Tensor[2][];
        for (int i = 0; i < 2; i++) {
            Kernels kernels = i == 0 ? kernels() : TorchKernels.INSTANCE;
            Tensor out = Tensor.empty(DType.BF16, 170, (long) heads * width);
            Tensor logSums = Tensor.empty(DType.F32, heads, 170);
            Tensor dq = Tensor.empty(DType.BF16, q.shape());
            Tensor dk = Tensor.empty(DType.BF16, k.shape());
            Tensor dv = Tensor.empty(DType.BF16, v.shape());
            kernels.attention(input, out, logSums, null);
            kernels.attentionBackward(input, out, logSums, dOut, dq, dk, dv, null);
            made[i] = new Tensor[] {out, logSums, dq, dk, dv};
        }
        for (int i = 0; i < made[0].length; i++) {
            Tensor difference = made[0][i].to(DType.F64).sub(made[1][i].to(DType.F64));
            double largest = made[1][i].to(DType.F64).abs().max().item();
            assertThat(difference.abs().max().item() / largest).as("%d", i).isLessThan(0.02);
        }
    }
}
