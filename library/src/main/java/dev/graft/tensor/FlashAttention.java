package dev.graft.tensor;

/// Attention without the scores in memory (FlashAttention-2, Dao 2023), for sequences laid end to
/// end: libtorch's kernels for cards of compute capability 8.0 and newer, in numbers of 16 bits.
///
/// Causal: the last query of a sequence sees all of its keys, those before see one less each.
public final class FlashAttention {
    private static final int WIDEST = 256;
    private static final int WIDTH_STEP = 8;
    private static final Long ANY = -1L;

    private FlashAttention() {}

    /// The operators, looked up when a card first asks.
    private static final class Operators {
        private static final Operator FORWARD = Operator.of("aten::_flash_attention_forward");
        private static final Operator BACKWARD = Operator.of("aten::_flash_attention_backward");
    }

    /// Where sequences begin and end.
    ///
    /// @param starts [S + 1] I32 on the device
    /// @param longest tokens of the longest
    public record Lengths(Tensor starts, long longest) {}

    /// Which scores count.
    ///
    /// @param scale that scores are multiplied by
    /// @param window tokens that a query sees, itself included; 0 for all
    public record Rule(double scale, long window) {
        private Long left() {
            return window == 0 ? ANY : Long.valueOf(window - 1);
        }
    }

    /// What the forward pass makes.
    ///
    /// @param out [T, N, D]
    /// @param logSums [N, T] F32, the logarithm of the sum of each query's exponentials
    public record Result(Tensor out, Tensor logSums) {}

    public record Gradients(Tensor dq, Tensor dk, Tensor dv) {}

    /// Whether there is a kernel for heads of this width, on cards from Ampere on.
    public static boolean takes(DType dtype, long width) {
        return (dtype == DType.BF16 || dtype == DType.F16)
                && width % WIDTH_STEP == 0
                && width <= WIDEST;
    }

    /// The same on this device.
    public static boolean fits(DType dtype, Device device, long width) {
        return takes(dtype, width)
                && device.isCard()
                && Cards.here().card(device).multipliesBfloat16(); // Ampere, as these kernels
    }

    /// The heads' numbers lie side by side, heads and tokens with any strides.
    ///
    /// @param q [T, N, D]
    /// @param k [C, K, D], K a divisor of N
    /// @param v [C, K, D]
    public static Result forward(
            Tensor q, Tensor k, Tensor v, Lengths queries, Lengths keys, Rule rule) {
        Tensor[] results =
                Operators.FORWARD.call(
                        new int[] {0, 1},
                        q,
                        k,
                        v,
                        queries.starts(),
                        keys.starts(),
                        queries.longest(),
                        keys.longest(),
                        0.0, // dropout
                        true, // causal
                        false, // no mask to look at
                        rule.scale(),
                        rule.left(),
                        0L,
                        null, // all keys are used
                        null, // no slopes by distance
                        null, // keys are not in pages
                        null); // parts of the keys: as the kernel likes
        return new Result(results[0], results[1]);
    }

    /// The gradients of queries, keys and values.
    ///
    /// @param dOut [T, N, D]
    public static Gradients backward(
            Tensor dOut,
            Tensor q,
            Tensor k,
            Tensor v,
            Result result,
            Lengths queries,
            Lengths keys,
            Rule rule) {
        Tensor noSeed = Tensor.empty(DType.I64, 2); // read with dropout only
        Tensor[] results =
                Operators.BACKWARD.call(
                        new int[] {0, 1, 2},
                        dOut,
                        q,
                        k,
                        v,
                        result.out(),
                        result.logSums(),
                        queries.starts(),
                        keys.starts(),
                        queries.longest(),
                        keys.longest(),
                        0.0,
                        true,
                        noSeed,
                        noSeed,
                        rule.scale(),
                        rule.left(),
                        0L);
        return new Gradients(results[0], results[1], results[2]);
    }
}
