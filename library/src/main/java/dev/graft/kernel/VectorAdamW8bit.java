package dev.graft.kernel;

import static dev.graft.kernel.BlockwiseCodes.BLOCK;
import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.SPECIES;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.kernel.Kernels.AdamWStep;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// The step of [AdamWPart.Coded], a block of 256 at a time: expand, step in float32, take the new
/// maximum of the block, encode. The expanded moments never leave the cache.
final class VectorAdamW8bit {
    private VectorAdamW8bit() {}

    static void step(AdamWPart.Coded part, AdamWStep step) {
        long count = part.p().numel();
        var ps = Lanes.floats("adamW8bit", part.p(), count);
        var gs = Lanes.floats("adamW8bit", part.gradient(), count);
        var ms = new Memory(part.m(), count);
        var vs = new Memory(part.v(), count);
        var constants = new Constants(step);
        Workers.rows(
                BlockwiseCodes.blocks(count),
                BLOCK,
                (from, to) -> {
                    var block = new Block(constants);
                    for (long b = from; b < to; b++) {
                        int width = (int) Math.min(BLOCK, count - b * BLOCK);
                        ms.expand(b, width, block.m, block.codes);
                        vs.expand(b, width, block.v, block.codes);
                        block.step(ps, gs, b * BLOCK, width);
                        ms.encodeSigned(b, width, block.m, block.maxM, block.codes);
                        vs.encode(b, width, block.v, block.maxV, block.codes);
                    }
                });
    }

    /// Codes and maxima where they lie.
    private static final class Memory {
        private final MemorySegment codes;
        private final MemorySegment absmax;
        private final CodeBook book;
        private final int zero;

        Memory(BlockwiseCodes source, long count) {
            if (source.codes().numel() != count) {
                throw new IllegalArgumentException(
                        "adamW8bit: found %s, expected %,d codes"
                                .formatted(source.codes().describe(), count));
            }
            codes = source.codes().segment();
            absmax = source.absmax().segment();
            book = source.book();
            zero = book.nearest(0);
        }

        void expand(long block, int width, float[] to, byte[] code) {
            float scale = Lanes.get(absmax, block);
            MemorySegment.copy(codes, ValueLayout.JAVA_BYTE, block * BLOCK, code, 0, width);
            for (int i = 0; i < width; i++) {
                to[i] = book.value(code[i] & 0xff) * scale;
            }
        }

        void encode(long block, int width, float[] from, float max, byte[] code) {
            scale(block, from, max);
            for (int i = 0; i < width; i++) {
                code[i] = (byte) book.nearest(from[i]);
            }
            MemorySegment.copy(code, 0, codes, ValueLayout.JAVA_BYTE, block * BLOCK, width);
        }

        /// A negative number that is nearest to zero gets the code below zero, so that it keeps
        /// its sign.
        void encodeSigned(long block, int width, float[] from, float max, byte[] code) {
            scale(block, from, max);
            for (int i = 0; i < width; i++) {
                int nearest = book.nearest(from[i]);
                code[i] = (byte) (nearest == zero && from[i] < 0 ? nearest - 1 : nearest);
            }
            MemorySegment.copy(code, 0, codes, ValueLayout.JAVA_BYTE, block * BLOCK, width);
        }

        /// Keeps the maximum, and divides by it; a block of zeros stays as it is.
        private void scale(long block, float[] x, float max) {
            Lanes.set(absmax, block, max);
            float divisor = max == 0 ? 1 : max;
            for (int i = 0; i < BLOCK; i += LENGTH) {
                FloatVector.fromArray(SPECIES, x, i).div(divisor).intoArray(x, i);
            }
        }
    }

    /// What is the same for every element, worked out in double.
    private static final class Constants {
        final float gradScale;
        final float decay;
        final float beta1;
        final float rest1;
        final float beta2;
        final float rest2;
        final float epsilon;
        final float stepSize;

        Constants(AdamWStep step) {
            double root = Math.sqrt(step.correction2());
            gradScale = (float) step.gradScale();
            decay = (float) (1 - step.learningRate() * step.weightDecay());
            beta1 = (float) step.beta1();
            rest1 = (float) (1 - step.beta1());
            beta2 = (float) step.beta2();
            rest2 = (float) (1 - step.beta2());
            epsilon = (float) (step.epsilon() * root);
            stepSize = (float) (step.learningRate() * root / step.correction1());
        }
    }

    /// The moments of one block in float32, and their largest magnitudes.
    private static final class Block {
        private final Constants c;
        final float[] m = new float[BLOCK];
        final float[] v = new float[BLOCK];
        final byte[] codes = new byte[BLOCK];
        float maxM;
        float maxV;

        Block(Constants constants) {
            c = constants;
        }

        void step(MemorySegment p, MemorySegment gradient, long at, int width) {
            FloatVector mostM = all(0);
            FloatVector mostV = all(0);
            int i = 0;
            for (; i <= width - LENGTH; i += LENGTH) {
                FloatVector g = load(gradient, at + i);
                store(all(0), gradient, at + i);
                var skipped = skipped(g);
                g = g.mul(c.gradScale);
                FloatVector newM = m(FloatVector.fromArray(SPECIES, m, i), g).blend(0, skipped);
                FloatVector newV = v(FloatVector.fromArray(SPECIES, v, i), g).blend(0, skipped);
                newM.intoArray(m, i);
                newV.intoArray(v, i);
                mostM = mostM.max(newM.abs());
                mostV = mostV.max(newV);
                FloatVector old = load(p, at + i);
                store(p(old, newM, newV).blend(old, skipped), p, at + i);
            }
            if (i < width) {
                var mask = Lanes.tail(i, width);
                FloatVector g = load(gradient, at + i, mask);
                store(all(0), gradient, at + i, mask);
                var skipped = skipped(g);
                g = g.mul(c.gradScale);
                FloatVector newM =
                        m(FloatVector.fromArray(SPECIES, m, i, mask), g).blend(0, skipped);
                FloatVector newV =
                        v(FloatVector.fromArray(SPECIES, v, i, mask), g).blend(0, skipped);
                newM.intoArray(m, i, mask);
                newV.intoArray(v, i, mask);
                mostM = mostM.max(newM.abs());
                mostV = mostV.max(newV);
                FloatVector old = load(p, at + i, mask);
                store(p(old, newM, newV).blend(old, skipped), p, at + i, mask);
            }
            maxM = mostM.reduceLanes(VectorOperators.MAX);
            maxV = mostV.reduceLanes(VectorOperators.MAX);
        }

        /// The lanes whose gradient is infinite or NaN.
        private static VectorMask<Float> skipped(FloatVector g) {
            return g.abs().compare(VectorOperators.LT, Float.POSITIVE_INFINITY).not();
        }

        private FloatVector m(FloatVector m, FloatVector g) {
            return g.fma(all(c.rest1), m.mul(c.beta1));
        }

        private FloatVector v(FloatVector v, FloatVector g) {
            return g.mul(g).fma(all(c.rest2), v.mul(c.beta2));
        }

        private FloatVector p(FloatVector p, FloatVector m, FloatVector v) {
            FloatVector ratio = m.div(v.sqrt().add(c.epsilon));
            return ratio.fma(all(-c.stepSize), p).mul(c.decay);
        }
    }
}
