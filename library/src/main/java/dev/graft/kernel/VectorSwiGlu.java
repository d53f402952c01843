package dev.graft.kernel;

import static dev.graft.kernel.Lanes.LENGTH;
import static dev.graft.kernel.Lanes.all;
import static dev.graft.kernel.Lanes.load;
import static dev.graft.kernel.Lanes.store;

import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// out = silu(g) ⊙ up, silu(g) = g · σ(g), σ(g) = 1 / (1 + e^−g);
/// dUp = dOut ⊙ silu(g), dGate = dOut ⊙ up ⊙ σ(g)(1 + g(1 − σ(g))).
final class VectorSwiGlu {
    private VectorSwiGlu() {}

    static void forward(Tensor gate, Tensor up, Tensor out) {
        long count = gate.numel();
        var gs = Lanes.floats("swiGlu", gate, count);
        var us = Lanes.floats("swiGlu", up, count);
        var outs = Lanes.floats("swiGlu", out, count);
        Workers.rows(count, 1, (from, to) -> forward(gs, us, outs, from, (int) (to - from)));
    }

    private static void forward(
            MemorySegment gate, MemorySegment up, MemorySegment out, long at, int width) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            FloatVector g = load(gate, at + i);
            store(g.mul(sigmoid(g)).mul(load(up, at + i)), out, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            FloatVector g = load(gate, at + i, mask);
            store(g.mul(sigmoid(g)).mul(load(up, at + i, mask)), out, at + i, mask);
        }
    }

    private static FloatVector sigmoid(FloatVector g) {
        return all(1).div(Lanes.exp(g.neg()).add(1));
    }

    static void backward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
        String op = "swiGluBackward";
        long count = gate.numel();
        var douts = Lanes.floats(op, dOut, count);
        var gs = Lanes.floats(op, gate, count);
        var us = Lanes.floats(op, up, count);
        var dgs = Lanes.floats(op, dGate, count);
        var dus = Lanes.floats(op, dUp, count);
        Workers.rows(
                count, 1, (from, to) -> backward(douts, gs, us, dgs, dus, from, (int) (to - from)));
    }

    private static void backward(
            MemorySegment dOut,
            MemorySegment gate,
            MemorySegment up,
            MemorySegment dGate,
            MemorySegment dUp,
            long at,
            int width) {
        int i = 0;
        for (; i <= width - LENGTH; i += LENGTH) {
            FloatVector d = load(dOut, at + i);
            FloatVector g = load(gate, at + i);
            FloatVector u = load(up, at + i);
            FloatVector sigma = sigmoid(g);
            store(d.mul(sigma.mul(g)), dUp, at + i);
            store(d.mul(u).mul(slope(g, sigma)), dGate, at + i);
        }
        if (i < width) {
            var mask = Lanes.tail(i, width);
            FloatVector d = load(dOut, at + i, mask);
            FloatVector g = load(gate, at + i, mask);
            FloatVector u = load(up, at + i, mask);
            FloatVector sigma = sigmoid(g);
            store(d.mul(sigma.mul(g)), dUp, at + i, mask);
            store(d.mul(u).mul(slope(g, sigma)), dGate, at + i, mask);
        }
    }

    /// silu′(g) = σ(1 + g(1 − σ)).
    private static FloatVector slope(FloatVector g, FloatVector sigma) {
        return all(1).sub(sigma).fma(g, all(1)).mul(sigma);
    }
}
