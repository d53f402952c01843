package dev.graft.nn;

import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/// The record of a forward pass: a stack of backward steps, run from the top down.
///
/// The pass is cut into segments: layers, and blocks within them. An operation says which tensors
/// its backward step will read (`keep`); those live until the backward pass has gone through the
/// segment, everything else dies when the segment's result is known. A segment that the policy
/// drops keeps its input only: its forward pass is recorded when the backward pass arrives there,
/// with the same dropout, and run backward at once.
public final class Tape implements AutoCloseable {
    private enum Mode {
        /// Nothing is kept, nothing is recorded, no dropout.
        INFERENCE,
        RECORDING,
        /// As in training, but nothing is kept or recorded: the first pass of a dropped segment.
        PASSING,
        /// Recording a dropped segment, whose result nobody wants; nothing is freed before its end.
        REPLAYING
    }

    /// More masks than a part of a layer has.
    private static final int DROPOUTS_OF_A_TILE = 1 << 12;

    private final Workspace workspace;
    private final long dropoutSeed;
    private final Recompute policy;
    private final Scope gradients = Scope.detached("gradients");
    private final Deque<Runnable> steps = new ArrayDeque<>();
    private final Deque<Scope> segments = new ArrayDeque<>();
    private Mode mode;
    private Scope segment;
    private int dropouts;
    private Slots offloaded;
    private int slotsInUse;

    private Tape(Mode mode, Workspace workspace, long dropoutSeed, Recompute policy) {
        this.mode = mode;
        this.workspace = workspace;
        this.dropoutSeed = dropoutSeed;
        this.policy = policy;
    }

    /// A tape for one micro-batch of training; equal seeds give equal dropout masks.
    public static Tape recording(Workspace workspace, long dropoutSeed, Recompute policy) {
        return new Tape(Mode.RECORDING, workspace, dropoutSeed, policy);
    }

    /// The same, with nothing dropped.
    public static Tape recording(Workspace workspace, long dropoutSeed) {
        return recording(workspace, dropoutSeed, new Recompute.None());
    }

    /// A tape for evaluation and generation: no backward steps, no dropout.
    public static Tape inference(Workspace workspace) {
        return new Tape(Mode.INFERENCE, workspace, 0, new Recompute.None());
    }

    /// Whether a backward pass follows.
    public boolean isTraining() {
        return mode != Mode.INFERENCE;
    }

    private boolean isRecording() {
        return mode == Mode.RECORDING || mode == Mode.REPLAYING;
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
        return new Var(value, isTraining() && needsGradient, gradients);
    }

    /// A value that is computed now, but in a replay only if something asks for it: the last
    /// product of a dropped segment is not computed twice.
    Var lazyVar(DType dtype, long[] shape, Supplier<Tensor> computation, boolean needsGradient) {
        if (mode != Mode.REPLAYING) {
            return var(computation.get(), needsGradient);
        }
        return new Var(dtype, shape, computation, needsGradient, gradients);
    }

    /// A value that is computed now, and again for backward steps that read it rather than kept:
    /// one pass over values that are kept anyway.
    Var cheapVar(DType dtype, long[] shape, Supplier<Tensor> computation, boolean needsGradient) {
        if (mode != Mode.RECORDING || !needsGradient) {
            return var(computation.get(), needsGradient);
        }
        Var cheap = new Var(dtype, shape, computation, true, gradients);
        cheap.value();
        return cheap;
    }

    /// Records how the gradient of `output` goes back to the inputs of its operation.
    void onBackward(Var output, Runnable step) {
        if (isRecording() && output.needsGradient()) {
            steps.push(step);
        }
    }

    /// Something else to do when the backward pass comes back to this place.
    public void whenBack(Runnable step) {
        if (isRecording()) {
            steps.push(step);
        }
    }

    /// Says that the backward step of `output` reads a value.
    void keep(Var output, Var value) {
        if (isRecording() && output.needsGradient()) {
            if (value.isCheap() && mode == Mode.RECORDING) {
                value.returnTo(segment);
            } else {
                value.hold(segment);
            }
        }
    }

    /// Says that the backward step of `output` reads a tensor of its own.
    void keep(Var output, Tensor tensor) {
        if (isRecording() && output.needsGradient() && segment != null) {
            segment.adopt(tensor);
        }
    }

    /// Frees a value that no later operation reads, unless a backward step does.
    public void release(Var value) {
        if (mode != Mode.REPLAYING && !value.isHeld() && value.isComputed()) {
            value.value().close();
        }
    }

    /// Runs a part of the forward pass.
    public Var segment(String name, Var x, UnaryOperator<Var> part) {
        return switch (mode) {
            case INFERENCE, PASSING -> pass(name, x, part);
            case RECORDING -> record(name, x, part);
            case REPLAYING -> part.apply(x);
        };
    }

    /// Runs a part of the forward pass that the policy may drop.
    public Var segment(Recompute.Part kind, String name, Var x, UnaryOperator<Var> part) {
        boolean drops = mode == Mode.RECORDING && policy.drops(kind);
        return drops ? drop(name, x, part) : segment(name, x, part);
    }

    /// Frees all but the result and what has been kept.
    private static Var pass(String name, Var x, UnaryOperator<Var> part) {
        try (var scope = Scope.open(name)) {
            Var result = part.apply(x);
            if (scope.owns(result.value())) {
                scope.keep(result.value());
            }
            return result;
        }
    }

    private Var record(String name, Var x, UnaryOperator<Var> part) {
        Scope kept = open(name);
        steps.push(() -> close(kept));
        Scope around = segment;
        segment = kept;
        Var result = pass(name, x, part);
        segment = around;
        return result;
    }

    /// Runs a part of the forward pass that the policy may drop, and whose rows do not depend on
    /// each other. Where there are many of them, every policy drops it but `none`, and it is passed
    /// and replayed a tile of rows at a time: what lives within it is that of a tile.
    public Var rows(Recompute.Part kind, String name, Var x, UnaryOperator<Var> part) {
        boolean records = mode == Mode.RECORDING && policy instanceof Recompute.None;
        var tiles = Tiles.of(x.shape()[0], x.shape()[1]);
        return records || tiles.count() == 1
                ? segment(kind, name, x, part)
                : tiles(name, x, tiles, part);
    }

    private Var tiles(String name, Var x, Tiles tiles, UnaryOperator<Var> part) {
        int dropoutsBefore = dropouts;
        if (mode == Mode.REPLAYING) {
            Var y =
                    lazyVar(
                            x.dtype(),
                            x.shape(),
                            () -> passTiles(name, x, tiles, part, dropoutsBefore).value(),
                            true);
            dropouts += tiles.count() * DROPOUTS_OF_A_TILE;
            x.hold(segment);
            steps.push(() -> replayTiles(name, x, tiles, part, y, dropoutsBefore));
            return y;
        }
        Var y = passTiles(name, x, tiles, part, dropoutsBefore);
        dropouts += tiles.count() * DROPOUTS_OF_A_TILE;
        if (mode == Mode.RECORDING && y.needsGradient()) {
            Scope kept = open(name);
            x.hold(kept);
            steps.push(() -> close(kept));
            steps.push(() -> replayTiles(name, x, tiles, part, y, dropoutsBefore));
        }
        return y;
    }

    private Var passTiles(
            String name, Var x, Tiles tiles, UnaryOperator<Var> part, int dropoutsBefore) {
        Mode around = mode;
        int dropoutsAround = dropouts;
        mode = around == Mode.INFERENCE ? around : Mode.PASSING;
        Tensor whole = Tensor.empty(x.dtype(), x.shape());
        boolean needsGradient = false;
        for (int i = 0; i < tiles.count(); i++) {
            dropouts = dropoutsBefore + i * DROPOUTS_OF_A_TILE;
            try (var _ = Scope.open(name)) {
                Var y = part.apply(var(tiles.rows(x.value(), i), x.needsGradient()));
                tiles.rows(whole, i).copyInPlace(y.value());
                needsGradient = y.needsGradient();
            }
        }
        mode = around;
        dropouts = dropoutsAround;
        return var(whole, needsGradient);
    }

    /// The gradient of a tile's input takes the place of that of its output.
    private void replayTiles(
            String name,
            Var x,
            Tiles tiles,
            UnaryOperator<Var> part,
            Var result,
            int dropoutsBefore) {
        Tensor gradient = result.takeGradient();
        for (int i = 0; i < tiles.count(); i++) {
            Scope kept = open(name);
            Var in = var(kept.adopt(tiles.rows(x.value(), i)), x.needsGradient());
            Var out = var(in.value(), true);
            out.giveGradient(tiles.rows(gradient, i));
            replay(name, in, part, out, kept, dropoutsBefore + i * DROPOUTS_OF_A_TILE);
            if (x.needsGradient()) {
                Tensor place = tiles.rows(gradient, i);
                Tensor found = in.takeGradient();
                if (found.address() != place.address()) {
                    place.copyInPlace(found);
                }
            }
        }
        if (x.needsGradient()) {
            x.giveGradient(gradient);
        }
    }

    private Var drop(String name, Var x, UnaryOperator<Var> part) {
        int dropoutsBefore = dropouts;
        mode = Mode.PASSING;
        Var result = pass(name, x, part);
        mode = Mode.RECORDING;
        if (!result.needsGradient()) {
            return result;
        }
        Scope kept = open(name);
        if (policy instanceof Recompute.Offload(var folder) && !x.isHeld()) {
            offloaded = workspace.slots(x.value().device(), folder);
            int slot = slotsInUse++;
            try (var _ = kept.enter()) {
                x.moveTo(offloaded.put(slot, x.value()));
            }
            x.hold(kept);
            steps.push(() -> offloaded.release(slot));
            steps.push(() -> replay(name, x, part, result, kept, dropoutsBefore));
            steps.push(() -> fetch(x, kept, slot));
        } else {
            x.hold(kept);
            steps.push(() -> replay(name, x, part, result, kept, dropoutsBefore));
        }
        return result;
    }

    private void fetch(Var x, Scope kept, int slot) {
        offloaded.willNeed(slot - 1);
        try (var _ = kept.enter()) {
            x.moveTo(offloaded.back(slot, x.value()));
        }
    }

    /// Records a dropped segment and runs it backward.
    private void replay(
            String name,
            Var x,
            UnaryOperator<Var> part,
            Var result,
            Scope kept,
            int dropoutsBefore) {
        int below = steps.size();
        dropouts = dropoutsBefore;
        segment = kept;
        mode = Mode.REPLAYING;
        try (var _ = Scope.open(name)) {
            Var again = part.apply(x);
            again.giveGradient(result.takeGradient());
        }
        mode = Mode.RECORDING;
        segment = null;
        runDownTo(below);
        close(kept);
    }

    private Scope open(String name) {
        var kept = Scope.detached(name);
        segments.push(kept);
        return kept;
    }

    private void close(Scope kept) {
        kept.close();
        segments.remove(kept);
    }

    /// Runs the backward steps; the loss operation has put the first gradient in place.
    public void backward() {
        if (offloaded != null) {
            offloaded.willNeed(slotsInUse - 1);
        }
        runDownTo(0);
    }

    private void runDownTo(int below) {
        while (steps.size() > below) {
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
