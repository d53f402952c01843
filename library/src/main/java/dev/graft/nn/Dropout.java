package dev.graft.nn;

import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Dropout whose mask is a function of a seed and the position, so that the backward pass makes it
/// again instead of keeping it, and a resumed run sees the same masks.
final class Dropout {
    private Dropout() {}

    /// x ⊙ mask / (1 − p), a new tensor.
    static Tensor apply(Tensor x, double p, long seed) {
        Tensor mask = mask(x, p, seed);
        return mask.mulInPlace(x);
    }

    /// The same in the memory of x.
    static Tensor applyInPlace(Tensor x, double p, long seed) {
        try (var _ = Scope.open("dropout")) {
            return x.mulInPlace(mask(x, p, seed));
        }
    }

    private static Tensor mask(Tensor x, double p, long seed) {
        try (var scope = Scope.open("mask", Device.CPU)) {
            Tensor mask = Tensor.empty(DType.F32, x.shape());
            fill(mask.segment(), p, seed);
            Tensor typed = x.dtype() == DType.F32 ? mask : mask.to(x.dtype());
            return scope.keep(x.onCpu() ? typed : typed.to(x.device()));
        }
    }

    private static void fill(MemorySegment mask, double p, long seed) {
        float kept = (float) (1 / (1 - p));
        long threshold = (long) (p * (1L << 53));
        long count = mask.byteSize() / Float.BYTES;
        for (long i = 0; i < count; i++) {
            boolean dropped = (mix(seed + i) >>> 11) < threshold;
            mask.setAtIndex(ValueLayout.JAVA_FLOAT, i, dropped ? 0 : kept);
        }
    }

    /// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
    private static long mix(long x) {
        long z = x * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
