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
                rmsNorm(rows, width, random),
                rmsNormBackward(rows, width, random),
                rope(rows, width, random),
                ropeBackward(rows, width, random),
                swiGlu(rows, width, random),
                swiGluBackward(rows, width, random),
                causalSoftmax(rows, width, 0, random),
                causalSoftmax(rows, width, width / 2, random),
                causalSoftmaxAgain(rows, width, width / 3, random),
                softmaxBackward(rows, width, random),
                rowDots(rows, width, random),
                crossEntropy(rows, width, random),
                adamW(rows, width, random));
    }

    static KernelCase rmsNorm(int rows, int width, Random random) {
        return make(
                        "rmsNorm",
                        random,
                        shapes(of(rows, width), of(width), of(rows, width), of(rows)))
                .does((k, t) -> k.rmsNorm(t[0], t[1], 1e-5, t[2], t[3]));
    }

    static KernelCase rmsNormBackward(int rows, int width, Random random) {
        long[] all = of(rows, width);
        return make(
                        "rmsNormBackward",
                        random,
                        shapes(all, all, of(width), of(rows), all, of(width)))
                .does((k, t) -> k.rmsNormBackward(t[0], t[1], t[2], t[3], t[4], t[5]));
    }

    static KernelCase rope(int tokens, int half, Random random) {
        long[] angles = of(tokens, half);
        long[][] shapes = shapes(of(tokens, 6L * half), angles, angles, of(3, tokens, 2L * half));
        return make("rope", random, shapes).does((k, t) -> k.rope(t[0], t[1], t[2], t[3]));
    }

    static KernelCase ropeBackward(int tokens, int half, Random random) {
        long[] angles = of(tokens, half);
        long[][] shapes = shapes(of(3, tokens, 2L * half), angles, angles, of(tokens, 6L * half));
        return make("ropeBackward", random, shapes)
                .does((k, t) -> k.ropeBackward(t[0], t[1], t[2], t[3]));
    }

    static KernelCase swiGlu(int rows, int width, Random random) {
        long[] all = of(rows, width);
        return make("swiGlu", random, shapes(all, all, all))
                .times(0, 4)
                .does((k, t) -> k.swiGlu(t[0], t[1], t[2]));
    }

    static KernelCase swiGluBackward(int rows, int width, Random random) {
        long[] all = of(rows, width);
        return make("swiGluBackward", random, shapes(all, all, all, all, all))
                .times(1, 4)
                .does((k, t) -> k.swiGluBackward(t[0], t[1], t[2], t[3], t[4]));
    }

    static KernelCase causalSoftmax(int rows, int width, int firstRow, Random random) {
        return make("causalSoftmax", random, shapes(of(2, rows, width), of(2, rows)))
                .times(0, 10)
                .does((k, t) -> k.causalSoftmax(t[0], 0.3, firstRow, t[1]));
    }

    static KernelCase causalSoftmaxAgain(int rows, int width, int firstRow, Random random) {
        KernelCase c = make("causalSoftmaxAgain", random, shapes(of(2, rows, width), of(2, rows)));
        for (int row = 0; row < 2 * rows; row++) {
            double sum = 0;
            for (int i = 0; i <= Math.min(width - 1, firstRow + row % rows); i++) {
                sum += Math.exp(0.3 * c.values[0][row * width + i]);
            }
            c.values[1][row] = (float) Math.log(sum);
        }
        return c.does((k, t) -> k.causalSoftmaxAgain(t[0], 0.3, firstRow, t[1]));
    }

    static KernelCase softmaxBackward(int rows, int width, Random random) {
        long[] all = of(2, rows, width);
        return make("softmaxBackward", random, shapes(all, all, of(2, rows)))
                .does((k, t) -> k.softmaxBackward(t[0], t[1], t[2], 0.3));
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
                c.name, c.shapes, c.values, (k, t) -> k.crossEntropy(t[0], targets, 0.01));
    }

    static KernelCase adamW(int rows, int width, Random random) {
        long[] all = of(rows, width);
        var step = new AdamWStep(1e-2, 0.9, 0.999, 1e-8, 0.1, 3, 0.5);
        KernelCase c = make("adamW", random, shapes(all, all, all, all));
        for (int i = 0; i < c.values[3].length; i++) {
            c.values[3][i] = Math.abs(c.values[3][i]) + 0.01f;
        }
        return c.does((k, t) -> k.adamW(t[0], t[1], t[2], t[3], step));
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
