package dev.graft.kernel;

import dev.graft.kernel.Kernels.AdamWStep;
import dev.graft.quant.DynamicMap;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/// Three steps of 8-bit AdamW on fixed inputs, and all the bytes that they leave.
final class AdamW8bitCase {
    static final CodeBook SIGNED = new CodeBook(DynamicMap.signed());
    static final CodeBook UNSIGNED = new CodeBook(DynamicMap.unsigned());

    private AdamW8bitCase() {}

    static BlockwiseCodes zeros(long count, CodeBook book) {
        return new BlockwiseCodes(
                Tensor.zeros(DType.U8, count),
                Tensor.zeros(DType.F32, BlockwiseCodes.blocks(count)),
                book);
    }

    /// The parameter, and codes and maxima of both moments.
    static List<byte[]> run(Kernels kernels, int count) {
        var random = new Random(count);
        try (var _ = Scope.open()) {
            Tensor p = Tensor.of(normal(count, random));
            BlockwiseCodes m = zeros(count, SIGNED);
            BlockwiseCodes v = zeros(count, UNSIGNED);
            for (int t = 1; t <= 3; t++) {
                Tensor g = Tensor.of(normal(count, random));
                var step = new AdamWStep(1e-2, 0.9, 0.999, 1e-8, 0.1, t, 0.5);
                kernels.adamW(List.of(new AdamWPart.Coded(p, g, m, v)), step);
            }
            return Stream.of(p, m.codes(), m.absmax(), v.codes(), v.absmax())
                    .map(t -> t.segment().toArray(ValueLayout.JAVA_BYTE))
                    .toList();
        }
    }

    private static float[] normal(int count, Random random) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
