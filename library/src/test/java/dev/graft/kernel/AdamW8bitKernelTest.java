package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.kernel.Kernels.AdamWStep;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.Torch;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdamW8bitKernelTest {
    @Test
    void theNumberOfThreadsDoesNotChangeABit() {
        int threads = Torch.threads();
        try {
            Torch.setThreads(1);
            List<byte[]> alone = AdamW8bitCase.run(VectorKernels.INSTANCE, 200_003);
            for (int n : new int[] {2, 5}) {
                Torch.setThreads(n);
                List<byte[]> together = AdamW8bitCase.run(VectorKernels.INSTANCE, 200_003);
                for (int i = 0; i < alone.size(); i++) {
                    assertThat(together.get(i)).as("%d threads, %d", n, i).isEqualTo(alone.get(i));
                }
            }
        } finally {
            Torch.setThreads(threads);
        }
    }

    /// Codes on the other side of a tie aside, of which there are few.
    @ParameterizedTest
    @ValueSource(ints = {1, 7, 255, 256, 257, 5000})
    void vectorCodesEqualThoseOfLibtorch(int count) {
        List<byte[]> vector = AdamW8bitCase.run(VectorKernels.INSTANCE, count);
        List<byte[]> torch = AdamW8bitCase.run(TorchKernels.INSTANCE, count);
        for (int codes : new int[] {1, 3}) {
            int differing = 0;
            for (int i = 0; i < count; i++) {
                int difference = vector.get(codes)[i] - torch.get(codes)[i];
                assertThat(difference).isBetween(-1, 1);
                differing += difference == 0 ? 0 : 1;
            }
            assertThat(differing).isLessThanOrEqualTo(1 + count / 1000);
        }
    }

    @Test
    void momentsOfAnotherSizeAreRefused() {
        try (var _ = Scope.open()) {
            Tensor p = Tensor.zeros(DType.F32, 300);
            BlockwiseCodes m = AdamW8bitCase.zeros(299, AdamW8bitCase.SIGNED);
            BlockwiseCodes v = AdamW8bitCase.zeros(300, AdamW8bitCase.UNSIGNED);
            var step = new AdamWStep(1e-2, 0.9, 0.999, 1e-8, 0, 1, 1);
            var parts = List.<AdamWPart>of(new AdamWPart.Coded(p, p, m, v));
            assertThatThrownBy(() -> VectorKernels.INSTANCE.adamW(parts, step))
                    .hasMessageContaining("U8[299]")
                    .hasMessageContaining("expected 300 codes");
            Tensor one = Tensor.zeros(DType.F32, 1);
            assertThatThrownBy(() -> new BlockwiseCodes(v.codes(), one, AdamW8bitCase.UNSIGNED))
                    .hasMessageContaining("F32 of 2");
        }
    }
}
