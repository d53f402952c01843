package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// out = f(g) ⊙ up; dUp = dOut ⊙ f(g), dGate = dOut ⊙ up ⊙ f′(g).
///
/// f = g · σ(k(g)) for silu, k(g) = g, and for gelu by tanh, k(g) = 2√(2/π)(g + 0.044715 g³), with
/// f′ = σ(1 + g · k′(g) · (1 − σ)). Gelu itself is g · Φ(g) with f′ = Φ + g · φ, and
/// Φ by the Chebyshev fit of erfc of Press et al. (Numerical Recipes, 6.2), within 1.2e-7.
final class VectorGlu {
    private static final float LINEAR = (float) (2 * Math.sqrt(2 / Math.PI));
    private static final float CUBIC = (float) (2 * Math.sqrt(2 / Math.PI) * 0.044715);
    private static final float DENSITY = (float) (1 / Math.sqrt(2 * Math.PI));
    private static final float EIGHTH = (float) (1 / Math.sqrt(8));

    /// Elements of a loop: few turns, since each end of a longer one costs as long as a look at
    /// memory takes, as in [VectorFourBitRow].
    private static final int CHUNK = 128;

    private VectorGlu() {}

    static void forward(Activation activation, Tensor gate, Tensor up, Tensor out) {
        var shape = new Rows("glu", gate);
        var gs = shape.of(gate);
        var us = shape.of(up);
        var outs = shape.of(out);
        shape.each(
                (row, at, width) -> {
                    var run =
                            new Forward(
                                    gs.memory,
                                    gs.at(row, at),
                                    us.memory,
                                    us.at(row, at),
                                    outs.memory,
                                    outs.at(row, at));
                    int whole = width / LENGTH * LENGTH;
                    float[] e = new float[Math.min(CHUNK, whole)];
                    for (int i = 0; i < whole; i += CHUNK) {
                        forward(activation, run, i, Math.min(whole, i + CHUNK), e);
                    }
                    if (whole < width) {
                        tail(activation, run, whole, width);
                    }
                });
    }

    static void backward(
            Activation activation, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
        var shape = new Rows("gluBackward", gate);
        var ds = shape.of(dOut);
        var gs = shape.of(gate);
        var us = shape.of(up);
        var dgs = shape.of(dGate);
        var dus = shape.of(dUp);
        shape.each(
                (row, at, width) -> {
                    var run =
                            new Run(
                                    ds.memory,
                                    ds.at(row, at),
                                    gs.memory,
                                    gs.at(row, at),
                                    us.memory,
                                    us.at(row, at),
                                    dgs.memory,
                                    dgs.at(row, at),
                                    dus.memory,
                                    dus.at(row, at));
                    int whole = width / LENGTH * LENGTH;
                    float[] e = new float[Math.min(CHUNK, whole)];
                    for (int i = 0; i < whole; i += CHUNK) {
                        backward(activation, run, i, Math.min(whole, i + CHUNK), e);
                    }
                    if (whole < width) {
                        tail(activation, run, whole, width);
                    }
                });
    }

    // Exponentials in a loop before, each function in a loop of its own, and the tail apart: all in
    // one exceed the compiler's limit of nodes, and it makes an object of every vector.

    private static void forward(Activation activation, Forward run, int from, int end, float[] e) {
        switch (activation) {
            case SILU -> {
                siluExp(run.gate, run.g, from, end, e);
                sigmoidTimes(run, from, end, e);
            }
            case GELU_TANH -> {
                geluTanhExp(run.gate, run.g, from, end, e);
                sigmoidTimes(run, from, end, e);
            }
            case GELU -> {
                bell(run.gate, run.g, from, end, e);
                distributionTimes(run, from, end, e);
            }
        }
    }

    /// A run of elements of the tensors of `forward`: each one's memory and its first element.
    private record Forward(
            MemorySegment gate, long g, MemorySegment up, long u, MemorySegment out, long o) {}

    /// g · σ ⊙ up.
    private static void sigmoidTimes(Forward run, int from, int end, float[] e) {
        for (int i = from; i < end; i += LENGTH) {
            FloatVector value = load(run.gate, run.g + i).mul(sigma(load(e, i - from)));
            store(value.mul(load(run.up, run.u + i)), run.out, run.o + i);
        }
    }

    /// g · Φ ⊙ up.
    private static void distributionTimes(Forward run, int from, int end, float[] e) {
        for (int i = from; i < end; i += LENGTH) {
            FloatVector x = load(run.gate, run.g + i);
            FloatVector value = x.mul(distribution(x, load(e, i - from)));
            store(value.mul(load(run.up, run.u + i)), run.out, run.o + i);
        }
    }

    private static void tail(Activation activation, Forward run, int i, int width) {
        var mask = Lanes.tail(i, width);
        FloatVector value = value(activation, load(run.gate, run.g + i, mask));
        store(value.mul(load(run.up, run.u + i, mask)), run.out, run.o + i, mask);
    }

    private static void backward(Activation activation, Run run, int from, int end, float[] e) {
        switch (activation) {
            case SILU -> {
                siluExp(run.gate, run.g, from, end, e);
                silu(run, from, end, e);
            }
            case GELU_TANH -> {
                geluTanhExp(run.gate, run.g, from, end, e);
                geluTanh(run, from, end, e);
            }
            case GELU -> {
                bell(run.gate, run.g, from, end, e);
                gelu(run, from, end, e);
            }
        }
    }

    /// A run of elements of the tensors of `backward`: each one's memory and its first element.
    private record Run(
            MemorySegment dOut,
            long d,
            MemorySegment gate,
            long g,
            MemorySegment up,
            long u,
            MemorySegment dGate,
            long dg,
            MemorySegment dUp,
            long du) {
        FloatVector gate(int i) {
            return load(gate, g + i);
        }

        /// Writes both gradients at `i`.
        void write(int i, FloatVector value, FloatVector slope) {
            FloatVector dy = load(dOut, d + i);
            FloatVector forGate = dy.mul(load(up, u + i));
            store(dy.mul(value), dUp, du + i);
            store(forGate.mul(slope), dGate, dg + i);
        }
    }

    private static void siluExp(MemorySegment gate, long g, int from, int end, float[] e) {
        for (int i = from; i < end; i += LENGTH) {
            Lanes.exp(load(gate, g + i).neg()).intoArray(e, i - from);
        }
    }

    private static void silu(Run run, int from, int end, float[] e) {
        for (int i = from; i < end; i += LENGTH) {
            FloatVector x = run.gate(i);
            FloatVector sigma = sigma(load(e, i - from));
            run.write(i, x.mul(sigma), slope(x, sigma));
        }
    }

    private static void geluTanhExp(MemorySegment gate, long g, int from, int end, float[] e) {
        for (int i = from; i < end; i += LENGTH) {
            geluTanhExp(load(gate, g + i)).intoArray(e, i - from);
        }
    }

    private static void geluTanh(Run run, int from, int end, float[] e) {
        for (int i = from; i < end; i += LENGTH) {
            FloatVector x = run.gate(i);
            FloatVector power = load(e, i - from);
            FloatVector sigma = sigma(power);
            run.write(i, x.mul(sigma), geluTanhSlope(x, power, sigma));
        }
    }

    private static void bell(MemorySegment gate, long g, int from, int end, float[] e) {
        for (int i = from; i < end; i += LENGTH) {
            bell(load(gate, g + i)).intoArray(e, i - from);
        }
    }

    private static void gelu(Run run, int from, int end, float[] e) {
        for (int i = from; i < end; i += LENGTH) {
            FloatVector x = run.gate(i);
            FloatVector power = load(e, i - from);
            FloatVector phi = distribution(x, power);
            run.write(i, x.mul(phi), x.mul(power).fma(all(DENSITY), phi));
        }
    }

    private static void tail(Activation activation, Run run, int i, int width) {
        var mask = Lanes.tail(i, width);
        FloatVector dy = load(run.dOut, run.d + i, mask);
        FloatVector x = load(run.gate, run.g + i, mask);
        FloatVector forGate = dy.mul(load(run.up, run.u + i, mask));
        store(dy.mul(value(activation, x)), run.dUp, run.du + i, mask);
        store(forGate.mul(slope(activation, x)), run.dGate, run.dg + i, mask);
    }

    private static FloatVector value(Activation activation, FloatVector g) {
        return switch (activation) {
            case SILU -> g.mul(sigmoid(g));
            case GELU_TANH -> g.mul(sigma(geluTanhExp(g)));
            case GELU -> g.mul(distribution(g, bell(g)));
        };
    }

    private static FloatVector slope(Activation activation, FloatVector g) {
        return switch (activation) {
            case SILU -> slope(g, sigmoid(g));
            case GELU_TANH -> {
                FloatVector e = geluTanhExp(g);
                yield geluTanhSlope(g, e, sigma(e));
            }
            case GELU -> {
                FloatVector e = bell(g);
                yield g.mul(e).fma(all(DENSITY), distribution(g, e));
            }
        };
    }

    /// e^−k(g).
    private static FloatVector geluTanhExp(FloatVector g) {
        return Lanes.exp(inner(g).max(-87).neg());
    }

    /// With e = e^−k: σ = 1/(1 + e) and 1 − σ = e · σ, which loses no digits where σ is near 1.
    private static FloatVector geluTanhSlope(FloatVector g, FloatVector e, FloatVector sigma) {
        FloatVector k = g.mul(g).fma(all(3 * CUBIC), all(LINEAR));
        return e.mul(sigma).fma(g.mul(k), all(1)).mul(sigma);
    }

    /// σ(1 + x(1 − σ)).
    private static FloatVector slope(FloatVector x, FloatVector sigma) {
        return all(1).sub(sigma).fma(x, all(1)).mul(sigma);
    }

    private static FloatVector inner(FloatVector g) {
        return g.mul(g).fma(all(CUBIC), all(LINEAR)).mul(g);
    }

    private static FloatVector sigmoid(FloatVector g) {
        return sigma(Lanes.exp(g.neg()));
    }

    /// 1/(1 + e).
    private static FloatVector sigma(FloatVector e) {
        return all(1).div(e.add(1));
    }

    /// e^(−g²/2).
    private static FloatVector bell(FloatVector g) {
        return Lanes.exp(g.mul(g).mul(-0.5f));
    }

    /// ½ erfc(|g|/√2) = ½ t · e^(−g²/2) · e^P(t), t = 1/(1 + |g|/√8); Φ is that or what it
    /// lacks to 1.
    private static FloatVector distribution(FloatVector g, FloatVector bell) {
        FloatVector t = all(1).div(g.abs().fma(all(EIGHTH), all(1)));
        FloatVector tail = Lanes.exp(tail(t)).mul(t).mul(bell).mul(0.5f);
        return tail.blend(all(1).sub(tail), g.compare(VectorOperators.GT, 0));
    }

    private static FloatVector tail(FloatVector t) {
        FloatVector p = t.fma(all(0.17087276f), all(-0.82215226f)).fma(t, all(1.4885159f));
        p = p.fma(t, all(-1.135204f)).fma(t, all(0.27886808f)).fma(t, all(-0.18628806f));
        p = p.fma(t, all(0.09678418f)).fma(t, all(0.37409195f)).fma(t, all(1.0000237f));
        return p.fma(t, all(-1.2655122f));
    }

    /// The rows of matrices of one shape: halves of wider rows may be among them. Where all are
    /// contiguous, they are taken as one long row.
    private static final class Rows {
        private final String op;
        private final long count;
        private final long width;
        private boolean apart;

        Rows(String op, Tensor like) {
            this.op = op;
            this.count = like.dim() == 2 ? like.size(0) : 1;
            this.width = like.numel() / Math.max(1, count);
        }

        Memory of(Tensor t) {
            if (t.dim() != 2 || t.isContiguous()) {
                return new Memory(Lanes.floats(op, t, count * width), width);
            }
            apart = true;
            return new Memory(Lanes.rows(op, t, count, width), t.stride(0));
        }

        void each(Action action) {
            if (apart) {
                int columns = Math.toIntExact(width);
                Workers.rows(
                        count,
                        columns,
                        (from, to) -> {
                            for (long row = from; row < to; row++) {
                                action.run(row, 0, columns);
                            }
                        });
            } else {
                Workers.rows(
                        count * width, 1, (from, to) -> action.run(0, from, (int) (to - from)));
            }
        }
    }

    private record Memory(MemorySegment memory, long stride) {
        long at(long row, long column) {
            return row * stride + column;
        }
    }

    private interface Action {
        void run(long row, long at, int width);
    }
}
