package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.FlashAttention;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// While the tests of a class run, tensors of the device without numbers are passed with the
/// kernels for cards, whose launches do nothing: what memory a card would be asked for.
public final class CardWithoutNumbers implements BeforeAllCallback, AfterAllCallback {
    @Override
    public void beforeAll(ExtensionContext context) {
        FastestKernels.emulate(new Idle());
    }

    @Override
    public void afterAll(ExtensionContext context) {
        FastestKernels.emulate(null);
    }

    private static final class Idle extends CudaKernels {
        private static final long ROWS = 128;
        private static final long WIDTHS = 32;

        private Idle() {
            super((_, _, _, _) -> {});
        }

        private static boolean flashes(AttentionInput in) {
            return in.q().dtype() == DType.BF16
                    && in.rule().softCap() == 0
                    && FlashAttention.takes(DType.BF16, in.width());
        }

        @Override
        public void attention(AttentionInput in, Tensor out, Tensor logSums, Tensor scratch) {
            if (!flashes(in)) {
                super.attention(in, out, logSums, scratch);
                return;
            }
            try (var _ = Scope.open("flash attention", out.device())) {
                Tensor.empty(DType.BF16, in.rows(), in.heads(), in.width());
                Tensor.empty(DType.F32, in.heads(), in.rows());
            }
        }

        /// As `mha_varlen_bwd` of libtorch's FlashAttention.
        @Override
        public void attentionBackward(
                AttentionInput in,
                Tensor out,
                Tensor logSums,
                Tensor dOut,
                Tensor dq,
                Tensor dk,
                Tensor dv,
                Tensor scratch) {
            if (!flashes(in)) {
                super.attentionBackward(in, out, logSums, dOut, dq, dk, dv, scratch);
                return;
            }
            long padded = in.rows() + ROWS * in.packing().count();
            long width = Math.ceilDiv(in.width(), WIDTHS) * WIDTHS;
            try (var _ = Scope.open("flash attention backward", out.device())) {
                Tensor.empty(DType.BF16, in.rows(), in.heads(), in.width());
                for (int i = 0; i < 2; i++) {
                    Tensor.empty(DType.BF16, in.columns(), in.keyHeads(), in.width());
                    if (in.group() > 1) {
                        Tensor.empty(DType.BF16, in.columns(), in.heads(), in.width());
                    }
                }
                Tensor.empty(DType.F32, in.heads(), padded);
                Tensor.empty(DType.F32, padded, in.heads(), width);
            }
        }
    }
}
