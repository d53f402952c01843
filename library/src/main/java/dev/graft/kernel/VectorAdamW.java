package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.kernel.Kernels.AdamWStep;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The step of [AdamWPart.Plain] in one pass over memory.
final class VectorAdamW {
    private VectorAdamW() {}

    static void step(AdamWPart.Plain part, AdamWStep step) {
        long count = part.p().numel();
        var ps = Lanes.floats("adamW", part.p(), count);
        var gs = Lanes.floats("adamW", part.gradient(), count);
        var ms = Lanes.floats("adamW", part.m(), count);
        var vs = Lanes.floats("adamW", part.v(), count);
        var constants = new Constants(step);
        Workers.rows(
                count, 1, (from, to) -> step(ps, gs, ms, vs, constants, from, (int) (to - from)));
    }

    /// What is the same for every element, worked out in double.
    private static final class Constants {
        final float gradScale;
        final float decay;
        final float beta1;
        final float rest1;
        final float beta2;
        final float rest2;
        final float rootScale;
        final float epsilon;
        final float stepSize;

        Constants(AdamWStep step) {
            gradScale = (float) step.gradScale();
            decay = (float) (1 - step.learningRate() * step.weightDecay());
            beta1 = (float) step.beta1();
            rest1 = (float) (1 - step.beta1());
            beta2 = (float) step.beta2();
            rest2 = (float) (1 - step.beta2());
            rootScale = (float) (1 / Math.sqrt(step.correction2()));
            epsilon = (float) step.epsilon();
            stepSize = (float) (step.learningRate() / step.correction1());
        }

        FloatVector m(FloatVector m, FloatVector g) {
            return g.fma(all(rest1), m.mul(beta1));
        }

        FloatVector v(FloatVector v, FloatVector g) {
            return g.mul(g).fma(all(rest2), v.mul(beta2));
        }

        FloatVector p(FloatVector p, FloatVector m, FloatVector v) {
            FloatVector ratio = m.div(v.sqrt().mul(rootScale).add(epsilon));
            return ratio.fma(all(-stepSize), p.mul(decay));
        }
    }

    private static void step(
            MemorySegment p,
            MemorySegment gradient,
            MemorySegment m,
            MemorySegment v,
            Constants constants,
            long at,
            int width) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            FloatVector g = load(gradient, at + i).mul(constants.gradScale);
            FloatVector newM = constants.m(load(m, at + i), g);
            FloatVector newV = constants.v(load(v, at + i), g);
            store(all(0), gradient, at + i);
            store(newM, m, at + i);
            store(newV, v, at + i);
            store(constants.p(load(p, at + i), newM, newV), p, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            FloatVector g = load(gradient, at + i, mask).mul(constants.gradScale);
            FloatVector newM = constants.m(load(m, at + i, mask), g);
            FloatVector newV = constants.v(load(v, at + i, mask), g);
            store(all(0), gradient, at + i, mask);
            store(newM, m, at + i, mask);
            store(newV, v, at + i, mask);
            store(constants.p(load(p, at + i, mask), newM, newV), p, at + i, mask);
        }
    }
}
