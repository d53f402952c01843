package dev.graft.kernel;

import dev.graft.kernel.Kernels.AdamWStep;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.List;
import java.util.Random;

/// One operation with its inputs, to be run by any implementation in any type.
final class KernelCase {
    interface Body {
        double run(Kernels kernels, Tensor[] t);
    }

    private final String name;
    private final long[][] shapes;
    private final double[][] values;
    private final Body body;

    /// @param values one array per tensor, outputs included, each value a float32
    KernelCase(String name, long[][] shapes, double[][] values, Body body) {
        this.name = name;
        this.shapes = shapes;
        this.values = values;
        this.body = body;
    }

    String name() {
        return name;
    }

    long[][] shapes() {
        return shapes;
    }

    double[][] values() {
        return values;
    }

    /// What every tensor holds afterwards, and last the returned number.
    double[][] run(Kernels kernels, DType dtype) {
        try (var _ = Scope.open()) {
            var t = new Tensor[values.length];
            for (int i = 0; i < t.length; i++) {
                t[i] = Tensor.of(values[i], shapes[i]).to(dtype);
            }
            double returned = body.run(kernels, t);
            var after = new double[t.length + 1][];
            for (int i = 0; i < t.length; i++) {
                after[i] = t[i].toDoubles();
            }
            after[t.length] = new double[] {returned};
            return after;
        }
    }

    static List<KernelCase> all(int rows, int width, long seed) {
        var random = new Random(seed);
        return List.of(
                rmsNorm(rows, width, 0, random),
                rmsNormBackward(rows, width, 0, random),
                rope(rows, width, 0, random),
                ropeBackward(rows, width, 0, random),
                glu(Activation.SILU, rows, width, random),
                gluBackward(Activation.SILU, rows, width, random),
                attention(rows, width, 1, 0, 0, random),
                attention(rows, width, 3, 0, 0, random),
                rowDots(rows, width, random),
                crossEntropy(rows, width, random),
                adamW(rows, width, random),
                rmsNorm(rows, width, 1, random),
                rmsNormBackward(rows, width, 1, random),
                rope(rows, width, 5, random),
                rope(rows, width, 6, random),
                ropeBackward(rows, width, 5, random),
                ropeBackward(rows, width, 6, random),
                headMajor(rows, width, random),
                glu(Activation.GELU_TANH, rows, width, random),
                glu(Activation.GELU, rows, width, random),
                gluBackward(Activation.GELU_TANH, rows, width, random),
                gluBackward(Activation.GELU, rows, width, random),
                gluOfHalves(rows, width, random),
                softCap(rows, width, random),
                attention(rows, width, 2, 0, 3, random),
                attention(rows, width, 2, 7, 17, random),
                cachedAttention(rows, width, 0, random),
                cachedAttention(rows, width, 5, random),
                multiply(rows, width, random),
                multiplyTransposed(rows, width, random),
                multiplyIntoNarrow(rows, width, random),
                dropout(rows, width, random));
    }

    /// y = 0.5 · x · Wᵀ in the middle of wider rows, whatever they held before.
    static KernelCase multiply(int rows, int width, Random random) {
        int outs = 250;
        long[][] shapes = shapes(of(rows, width), of(outs, width), of(rows, outs + 9));
        return make("multiply", random, shapes)
                .does(
                        (k, t) -> {
                            Tensor y = t[2].narrow(1, 4, outs).mulInPlace(Double.NaN);
                            k.multiply(0.5, Factor.plain(t[0]), Factor.transposed(t[1]), 0, y);
                        });
    }

    /// c −= 2 · uᵀ · x, as a weight's gradient.
    static KernelCase multiplyTransposed(int rows, int width, Random random) {
        long[][] shapes = shapes(of(rows, 19), of(rows, width), of(19, width));
        return make("multiplyTransposed", random, shapes)
                .does(
                        (k, t) ->
                                k.multiply(
                                        -2, Factor.transposed(t[0]), Factor.plain(t[1]), 1, t[2]));
    }

    /// c = x · w + c / 4 of a few columns.
    static KernelCase multiplyIntoNarrow(int rows, int width, Random random) {
        long[][] shapes = shapes(of(rows, width), of(width, 16), of(rows, 16));
        return make("multiplyIntoNarrow", random, shapes)
                .does((k, t) -> k.multiply(1, Factor.plain(t[0]), Factor.plain(t[1]), 0.25, t[2]));
    }

    static KernelCase rmsNorm(int rows, int width, double offset, Random random) {
        return make(
                        "rmsNorm",
                        random,
                        shapes(of(rows, width), of(width), of(rows, width), of(rows)))
                .does((k, t) -> k.rmsNorm(t[0], t[1], offset, 1e-5, t[2], t[3]));
    }

    static KernelCase rmsNormBackward(int rows, int width, double offset, Random random) {
        long[] all = of(rows, width);
        return make(
                        "rmsNormBackward",
                        random,
                        shapes(all, all, of(width), of(rows), all, of(width)))
                .does((k, t) -> k.rmsNormBackward(t[0], t[1], t[2], offset, t[3], t[4], t[5]));
    }

    /// Heads of which `rest` numbers are not rotated; with 6 of them pairs are neighbours.
    static KernelCase rope(int tokens, int half, int rest, Random random) {
        long[] angles = of(tokens, half);
        long width = 2L * half + rest;
        long[][] shapes = shapes(of(tokens, 3 * width), angles, angles, of(3, tokens, width));
        return make("rope", random, shapes)
                .does((k, t) -> k.rope(t[0], t[1], t[2], rest == 6, t[3]));
    }

    static KernelCase ropeBackward(int tokens, int half, int rest, Random random) {
        long[] angles = of(tokens, half);
        long width = 2L * half + rest;
        long[][] shapes = shapes(of(3, tokens, width), angles, angles, of(tokens, 3 * width));
        return make("ropeBackward", random, shapes)
                .does((k, t) -> k.ropeBackward(t[0], t[1], t[2], rest == 6, t[3]));
    }

    /// Without angles, from and to the middle of wider rows.
    static KernelCase headMajor(int tokens, int width, Random random) {
        long[][] shapes =
                shapes(
                        of(tokens, 2L * width + 3),
                        of(2, tokens, width),
                        of(tokens, 2L * width + 3));
        return make("headMajor", random, shapes)
                .does(
                        (k, t) -> {
                            k.rope(t[0].narrow(1, 1, 2L * width), null, null, false, t[1]);
                            k.ropeBackward(t[1], null, null, false, t[2].narrow(1, 2, 2L * width));
                        });
    }

    static KernelCase glu(Activation activation, int rows, int width, Random random) {
        long[] all = of(rows, width);
        return make("glu " + activation, random, shapes(all, all, all))
                .times(0, 4)
                .begins(2, 1)
                .does((k, t) -> k.glu(activation, t[0], t[1], t[2]));
    }

    static KernelCase gluBackward(Activation activation, int rows, int width, Random random) {
        long[] all = of(rows, width);
        return make("gluBackward " + activation, random, shapes(all, all, all, all, all))
                .times(1, 4)
                .begins(1, 2, 1)
                .does((k, t) -> k.gluBackward(activation, t[0], t[1], t[2], t[3], t[4]));
    }

    /// Gate and up side by side, their gradients over them.
    static KernelCase gluOfHalves(int rows, int width, Random random) {
        long[] all = of(rows, width);
        return make("glu of halves", random, shapes(of(rows, 2L * width), all, all))
                .times(0, 4)
                .does(
                        (k, t) -> {
                            Tensor gate = t[0].narrow(1, 0, width);
                            Tensor up = t[0].narrow(1, width, width);
                            k.glu(Activation.SILU, gate, up, t[1]);
                            k.gluBackward(Activation.SILU, t[2], gate, up, gate, up);
                        });
    }

    static KernelCase softCap(int rows, int width, Random random) {
        long[] all = of(rows, width);
        return make("softCap", random, shapes(all, all, all))
                .times(0, 40)
                .does(
                        (k, t) -> {
                            k.softCap(t[0], 0.3, 7, t[1]);
                            k.softCap(t[2], 0.3, 7, null);
                        });
    }

    static KernelCase dropout(int rows, int width, Random random) {
        long[] all = of(rows, width);
        return make("dropout", random, shapes(all, all, all))
                .does(
                        (k, t) -> {
                            k.dropout(t[0], 0.3, -5, t[1]);
                            k.dropout(t[2], 0.1, 1L << 62, t[2]);
                        });
    }

    /// Two sequences and their gradients.
    ///
    /// @param group query heads that share a key head, of which there are two
    static KernelCase attention(
            int atLeast, int width, int group, double cap, long window, Random random) {
        int rows =
                Math.max(atLeast, 6); // a row that sees itself alone has no gradient by its scores
        long d = Math.min(width, 70);
        long heads = 2L * group;
        var rule = new AttentionRule(0.3, cap, window);
        int[] offsets = {0, rows / 3, rows};
        long[][] shapes =
                shapes(
                        of(heads, rows, d),
                        of(2, rows, d),
                        of(rows, 2 * d),
                        of(rows, heads * d),
                        of(heads, rows),
                        of(rows, heads * d),
                        of(heads, rows, d),
                        of(2, rows, d),
                        of(rows, 2 * d));
        return make("attention", random, shapes)
                .does(
                        (k, t) -> {
                            var in =
                                    new AttentionInput(
                                            t[0], t[1], t[2], Packing.of(offsets), 0, rule);
                            Tensor scratch = Tensor.empty(t[0].dtype(), in.scratch(true));
                            k.attention(in, t[3], t[4], scratch);
                            k.attentionBackward(in, t[3], t[4], t[5], t[6], t[7], t[8], scratch);
                        });
    }

    /// The last rows of a sequence, its keys in the middle of wider memory.
    static KernelCase cachedAttention(int rows, int width, long window, Random random) {
        long d = Math.min(width, 70);
        int last = Math.min(rows, 5);
        long past = (long) rows - last;
        var rule = new AttentionRule(0.3, 0, window);
        long[][] shapes =
                shapes(
                        of(4, last, d),
                        of(2, rows + 7L, d),
                        of(rows, 2 * d),
                        of(last, 4 * d),
                        of(4, last));
        return make("cachedAttention", random, shapes)
                .does(
                        (k, t) -> {
                            Tensor keys = t[1].narrow(1, 4, rows);
                            int[] offsets = {0, last};
                            var in =
                                    new AttentionInput(
                                            t[0], keys, t[2], Packing.of(offsets), past, rule);
                            Tensor scratch = Tensor.empty(t[0].dtype(), in.scratch(false));
                            k.attention(in, t[3], t[4], scratch);
                        });
    }

    static KernelCase rowDots(int rows, int width, Random random) {
        long[] all = of(rows, width);
        return make("rowDots", random, shapes(all, all, of(rows)))
                .does((k, t) -> k.rowDots(t[0], t[1], t[2]));
    }

    static KernelCase crossEntropy(int rows, int width, Random random) {
        int[] targets = random.ints(rows, 0, width).toArray();
        KernelCase c = make("crossEntropy", random, shapes(of(rows, width))).times(0, 3);
        return new KernelCase(
                c.name, c.shapes, c.values, (k, t) -> crossEntropy(k, t[0], targets, 0.01));
    }

    /// The sum of the losses.
    static double crossEntropy(Kernels k, Tensor logits, int[] targets, double gradScale) {
        Tensor losses = Tensor.empty(DType.F64, targets.length);
        k.crossEntropy(logits, Tensor.of(targets), gradScale, losses);
        return losses.sum().item();
    }

    static KernelCase adamW(int rows, int width, Random random) {
        long[] all = of(rows, width);
        var step = new AdamWStep(1e-2, 0.9, 0.999, 1e-8, 0.1, 3, 0.5);
        KernelCase c = make("adamW", random, shapes(all, all, all, all));
        for (int i = 0; i < c.values[3].length; i++) {
            c.values[3][i] = Math.abs(c.values[3][i]) + 0.01f;
        }
        return c.does(
                (k, t) -> k.adamW(List.of(new AdamWPart.Plain(t[0], t[1], t[2], t[3])), step));
    }

    private interface Action {
        void run(Kernels kernels, Tensor[] t);
    }

    private KernelCase does(Action action) {
        return new KernelCase(
                name,
                shapes,
                values,
                (k, t) -> {
                    action.run(k, t);
                    return 0;
                });
    }

    private KernelCase times(int tensor, double factor) {
        for (int i = 0; i < values[tensor].length; i++) {
            values[tensor][i] = (float) (values[tensor][i] * factor);
        }
        return this;
    }

    /// Gives the first elements of the first tensors values, so that something is not small: in
    /// float32 the reference itself has few digits of a value far in the tail.
    private KernelCase begins(double... first) {
        for (int i = 0; i < first.length; i++) {
            values[i][0] = first[i];
        }
        return this;
    }

    private static KernelCase make(String name, Random random, long[][] shapes) {
        var values = new double[shapes.length][];
        for (int i = 0; i < shapes.length; i++) {
            int count = 1;
            for (long d : shapes[i]) {
                count *= (int) d;
            }
            values[i] = new double[count];
            for (int j = 0; j < count; j++) {
                values[i][j] = (float) random.nextGaussian();
            }
        }
        return new KernelCase(name, shapes, values, (_, _) -> 0);
    }

    private static long[] of(long... shape) {
        return shape;
    }

    private static long[][] shapes(long[]... shapes) {
        return shapes;
    }
}
