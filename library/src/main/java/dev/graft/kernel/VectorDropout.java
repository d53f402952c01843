package dev.graft.kernel;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// out = x ⊙ mask / (1 − p), the mask's hashes as many at a time as a vector has lanes of 64 bits.
final class VectorDropout {
    private static final VectorSpecies<Long> HASHES = LongVector.SPECIES_PREFERRED;
    private static final int LENGTH = HASHES.length();

    /// As many numbers as hashes.
    private static final VectorSpecies<Float> NUMBERS =
            VectorSpecies.of(float.class, VectorShape.forBitSize(LENGTH * Float.SIZE));

    private static final LongVector STEPS =
            LongVector.broadcast(HASHES, 0).addIndex(1).mul(DropoutMask.INCREMENT);
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private VectorDropout() {}

    static void apply(Tensor x, DropoutMask mask, Tensor out) {
        long count = x.numel();
        var xs = Lanes.floats("dropout", x, count);
        var outs = Lanes.floats("dropout", out, count);
        Workers.rows(count, 1, (from, to) -> apply(xs, mask, outs, from, to));
    }

    private static void apply(
            MemorySegment x, DropoutMask mask, MemorySegment out, long from, long to) {
        var kept = FloatVector.broadcast(NUMBERS, mask.kept());
        long i = from;
        for (; i <= to - LENGTH; i += LENGTH) {
            long at = i * Float.BYTES;
            VectorMask<Long> dropped = dropped(mask, i);
            FloatVector factors = kept.blend(0f, dropped.cast(NUMBERS));
            FloatVector numbers = FloatVector.fromMemorySegment(NUMBERS, x, at, ORDER);
            numbers.mul(factors).intoMemorySegment(out, at, ORDER);
        }
        for (; i < to; i++) {
            Lanes.set(out, i, Lanes.get(x, i) * mask.factor(i));
        }
    }

    private static VectorMask<Long> dropped(DropoutMask mask, long place) {
        // (seed + place + lane) · increment
        LongVector z = STEPS.add((mask.seed() + place) * DropoutMask.INCREMENT);
        z = mixed(z, 30).mul(DropoutMask.FIRST);
        z = mixed(z, 27).mul(DropoutMask.SECOND);
        z = mixed(z, 31).lanewise(VectorOperators.LSHR, DropoutMask.UNUSED_BITS);
        return z.lt(mask.threshold());
    }

    private static LongVector mixed(LongVector z, int shift) {
        return z.lanewise(VectorOperators.XOR, z.lanewise(VectorOperators.LSHR, shift));
    }
}
