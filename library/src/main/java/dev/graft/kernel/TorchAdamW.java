package dev.graft.kernel;

import dev.graft.kernel.Kernels.AdamWStep;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// The steps of [AdamWPart] in libtorch's operations.
final class TorchAdamW {
    private TorchAdamW() {}

    static void step(AdamWPart part, AdamWStep step) {
        try (var _ = Scope.open()) {
            switch (part) {
                case AdamWPart.Plain plain -> step(plain, step);
                case AdamWPart.Coded coded -> step(coded, step);
            }
            part.gradient().zeroInPlace();
        }
    }

    private static void step(AdamWPart.Plain part, AdamWStep step) {
        Tensor p = part.p();
        Tensor m = part.m();
        Tensor v = part.v();
        Tensor g = part.gradient().mul(step.gradScale());
        p.mulInPlace(1 - step.learningRate() * step.weightDecay());
        m.mulInPlace(step.beta1()).addInPlace(g, 1 - step.beta1());
        v.mulInPlace(step.beta2()).addcmulInPlace(g, g, 1 - step.beta2());
        Tensor denominator = v.sqrt().mul(1 / Math.sqrt(step.correction2())).add(step.epsilon());
        p.addcdivInPlace(m, denominator, -step.learningRate() / step.correction1());
    }

    private static void step(AdamWPart.Coded part, AdamWStep step) {
        Tensor p = part.p();
        BlockwiseCodes m = part.m();
        BlockwiseCodes v = part.v();
        double root = Math.sqrt(step.correction2());
        double rate = step.learningRate() / step.correction1();
        Tensor given = part.gradient().view(-1).to(DType.F32);
        Tensor good = given.isFinite();
        Tensor bad = good.logicalNot();
        Tensor g = given.maskedFill(bad, 0).mul(step.gradScale());
        Tensor newM = expand(m).mul(step.beta1()).addInPlace(g, 1 - step.beta1());
        Tensor newV = expand(v).mul(step.beta2()).addcmulInPlace(g, g, 1 - step.beta2());
        newM = newM.maskedFill(bad, 0);
        newV = newV.maskedFill(bad, 0);
        Tensor old = p.view(-1).to(DType.F32);
        Tensor moved = old.copy();
        moved.addcdivInPlace(newM, newV.sqrt().add(step.epsilon() * root), -rate * root);
        moved.mulInPlace(1 - step.learningRate() * step.weightDecay());
        Tensor kept = old.maskedFill(good, 0);
        p.view(-1).copyInPlace(moved.maskedFill(bad, 0).add(kept));
        encodeSigned(newM, m);
        encode(newV, v);
    }

    /// A negative number that is nearest to zero gets the code below zero.
    private static void encodeSigned(Tensor numbers, BlockwiseCodes to) {
        encode(numbers, to);
        int zero = to.book().nearest(0);
        Tensor negative = numbers.neg().gt(0);
        Tensor codes = to.codes().view(-1);
        Tensor aboveZero = codes.gt(zero);
        Tensor lowered = codes.gt(zero - 1).mul(aboveZero.logicalNot()).mul(negative);
        codes.copyInPlace(codes.to(DType.F32).sub(lowered.to(DType.F32)));
    }

    /// The numbers of all blocks, as a row.
    private static Tensor expand(BlockwiseCodes x) {
        Tensor values = Tensor.of(x.book().values());
        Tensor codes = x.codes().view(-1);
        Tensor blocks = blocks(values.indexSelect(0, codes.to(DType.I64))); // [n / 256, 256]
        return blocks.mul(x.absmax().view(-1, 1)).view(-1).narrow(0, 0, codes.numel());
    }

    private static void encode(Tensor numbers, BlockwiseCodes to) {
        Tensor blocks = blocks(numbers); // [n / 256, 256]
        Tensor absmax = blocks.abs().amax(1, true); // [n / 256, 1]
        to.absmax().view(-1, 1).copyInPlace(absmax);
        Tensor none = absmax.gt(0).logicalNot();
        Tensor scaled = blocks.div(absmax.maskedFill(none, 1)).view(-1);
        Tensor codes = scaled.narrow(0, 0, numbers.numel());
        to.codes().view(-1).copyInPlace(codes.bucketize(Tensor.of(to.book().midpoints())));
    }

    /// A row of numbers as rows of 256, zeros at the end.
    private static Tensor blocks(Tensor numbers) {
        long count = BlockwiseCodes.blocks(numbers.numel());
        Tensor padded = Tensor.zeros(DType.F32, count * BlockwiseCodes.BLOCK);
        padded.narrow(0, 0, numbers.numel()).copyInPlace(numbers);
        return padded.view(count, BlockwiseCodes.BLOCK);
    }
}
