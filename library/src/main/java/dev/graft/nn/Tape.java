package dev.graft.nn;

import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;

/// The record of a forward pass: a stack of backward steps, run from the top down.
///
/// What an operation keeps for its backward step lives in the segment (a layer, as a rule) that it
/// ran in; when the backward pass has gone through a segment, all of it is freed at once. A tape
/// that does not record frees a segment as soon as its result is known.
public final class Tape implements AutoCloseable {
    private final boolean recording;
    private final Workspace workspace;
    private final long dropoutSeed;
    private final Scope gradients = Scope.detached("gradients");
    private final Deque<Runnable> steps = new ArrayDeque<>();
    private final Deque<Scope> segments = new ArrayDeque<>();
    private int dropouts;

    private Tape(boolean recording, Workspace workspace, long dropoutSeed) {
        this.recording = recording;
        this.workspace = workspace;
        this.dropoutSeed = dropoutSeed;
    }

    /// A tape for one micro-batch of training; equal seeds give equal dropout masks.
    public static Tape recording(Workspace workspace, long dropoutSeed) {
        return new Tape(true, workspace, dropoutSeed);
    }

    /// A tape for evaluation and generation: no backward steps, no dropout.
    public static Tape inference(Workspace workspace) {
        return new Tape(false, workspace, 0);
    }

    public boolean isRecording() {
        return recording;
    }

    public Workspace workspace() {
        return workspace;
    }

    /// A seed for the next dropout mask of this pass.
    long nextDropoutSeed() {
        return dropoutSeed + 0x9E3779B97F4A7C15L * ++dropouts;
    }

    /// A value that starts a pass or comes out of an operation.
    public Var var(Tensor value, boolean needsGradient) {
        return new Var(value, recording && needsGradient, gradients);
    }

    /// Records how the gradient of `output` goes back to the inputs of its operation.
    void onBackward(Var output, Runnable step) {
        if (recording && output.needsGradient()) {
            steps.push(step);
        }
    }

    /// Runs a part of the forward pass whose kept tensors are freed together.
    public Var segment(String name, Supplier<Var> part) {
        var segment = Scope.detached(name);
        segments.push(segment);
        if (recording) {
            steps.push(
                    () -> {
                        segment.close();
                        segments.remove(segment);
                    });
        }
        Var result;
        try (var _ = segment.enter()) {
            result = part.get();
        }
        if (!recording) {
            Scope.handToCurrent(result.value());
            segments.pop();
            segment.close();
        }
        return result;
    }

    /// Frees a value that no backward step will look at.
    public void release(Var unneeded) {
        unneeded.value().close();
    }

    /// Runs the backward steps; the loss operation has put the first gradient in place.
    public void backward() {
        while (!steps.isEmpty()) {
            try (var _ = Scope.open("backward step")) {
                steps.pop().run();
            }
        }
    }

    @Override
    public void close() {
        steps.clear();
        segments.forEach(Scope::close);
        segments.clear();
        gradients.close();
    }
}
