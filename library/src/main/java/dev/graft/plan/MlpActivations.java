package dev.graft.plan;

import dev.graft.model.FeedForwardShape.Experts;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout.Layer;
import dev.graft.model.ModelLayout.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/// The feed-forward block's part of [LayerActivations], in numbers a token.
///
/// Of a mixture of experts it is an upper bound: how many tokens an expert gets is not
/// known before.
final class MlpActivations {
    private final TrainedMaps trained;
    private final List<Matrix> gateUp;
    private final List<Matrix> down;
    private final long gateUpStep; // of the maps that share an input
    private final long hidden; // H
    private final long sum; // numbers in whose place one of float32 is
    private final long forward; // F, that of all experts of a token
    private final long ranks;
    private final Experts experts; // null in a dense layer
    private final boolean hasBefore;
    private final boolean hasAfter;
    private final boolean hasScale;

    // Whether the value needs a gradient, in the order of the pass.
    private final boolean input;
    private final boolean normed;
    private final boolean gated;
    private final boolean branch;
    private final boolean output;

    MlpActivations(
            ModelConfig config,
            Layer layer,
            TrainedMaps trained,
            boolean input,
            Computation computation) {
        this.trained = trained;
        this.gateUp = new ArrayList<>();
        this.down = new ArrayList<>();
        layer.blocks().forEach(b -> gateUp.addAll(b.gateUp()));
        layer.blocks().forEach(b -> down.add(b.down()));
        this.gateUpStep = gateUpStep(layer);
        this.hidden = config.hidden();
        this.sum = computation.sumNumbers();
        this.experts = layer.router() == null ? null : config.mlp().experts();
        boolean routes = false;
        if (experts == null) {
            this.forward = config.feedForward();
            this.ranks = trained.ranks(gateUp) + trained.ranks(down);
        } else {
            List<Matrix> router = List.of(layer.router());
            gateUp.addAll(router);
            routes = trained.trains(router);
            this.forward = (long) experts.perToken() * experts.width();
            this.ranks = experts.perToken() * widestRanks(layer) + trained.ranks(router);
        }
        this.hasBefore = layer.beforeMlp() != null;
        this.hasAfter = layer.afterMlp() != null;
        this.hasScale = config.multipliers().residual() != 1;
        this.input = input;
        this.normed = input || trained.trains(layer.beforeMlp());
        this.gated = normed || trained.trains(gateUp) || routes;
        boolean forwarded = gated || trained.trains(down);
        this.branch = forwarded || trained.trains(layer.afterMlp());
        this.output = input || branch;
    }

    private long gateUpStep(Layer layer) {
        LongStream blocks = layer.blocks().stream().mapToLong(b -> trained.step(b.gateUp()));
        long router = layer.router() == null ? 0 : trained.step(List.of(layer.router()));
        return LongStream.concat(blocks, LongStream.of(router)).max().orElseThrow();
    }

    private long widestRanks(Layer layer) {
        return layer.blocks().stream()
                .mapToLong(b -> trained.ranks(b.gateUp()) + trained.ranks(List.of(b.down())))
                .max()
                .orElse(0);
    }

    /// Whether the block's output needs a gradient.
    boolean needsGradient() {
        return output;
    }

    /// Whether the block's input is among what it keeps.
    boolean keepsInput() {
        return hasBefore ? normed : trained.reads(gateUp);
    }

    /// What it keeps after the forward pass.
    long kept() {
        long in = keepsInput() || trained.reads(gateUp) ? hidden : 0;
        long norm = hasBefore && normed ? sum : 0;
        long gates = gated ? 2 * forward : trained.reads(down) ? forward : 0;
        long after = hasAfter && branch ? hidden + sum : 0;
        return in + norm + gates + ranks + after + routing();
    }

    /// What it keeps where it is dropped: its input.
    long dropped() {
        return output ? hidden : 0;
    }

    /// Probabilities and, while they are sorted, their order; of each expert of a token its number,
    /// weight, gradient and place. As if all were of 64 bits beside numbers of 16.
    private long routing() {
        return experts == null ? 0 : 4 * (experts.count() + 4L * experts.perToken());
    }

    /// What one expert takes for a while, if all tokens went to it: inputs and outputs, its
    /// gates, and what is weighed.
    private long expert() {
        return experts == null ? 0 : 3 * hidden + 4L * experts.width() + experts.count();
    }

    private long normedAgain() {
        return hasBefore && normed && trained.reads(gateUp) ? hidden : 0;
    }

    private long activatedAgain() {
        return gated && trained.reads(down) ? forward : 0;
    }

    /// What a replay holds besides what is kept.
    long again() {
        return normedAgain() + activatedAgain();
    }

    private long before() {
        return hasBefore ? hidden + sum : 0;
    }

    /// Everything that the block computes, its result included, kept or not, at its worst moment.
    long all() {
        long end = hasAfter ? 2 * forward + 2 * hidden + sum : 0;
        long most = Math.max(3 * forward + Math.max(hidden, trained.dropped(down)), end);
        return before() + ranks + most + routing() + expert();
    }

    /// The same where nothing is freed, less a result that nothing asks for.
    long allHeld() {
        long after = hasAfter ? 2 * hidden + sum : 0;
        long sparse =
                experts == null ? 0 : experts.perToken() * (2 * hidden + experts.width()) + hidden;
        long last = Math.max(after, trained.dropped(down));
        return before() + ranks + 3 * forward + last + routing() + expert() + sparse;
    }

    /// The most that lives in a pass without gradients, the input included.
    long inference() {
        long after = hasAfter ? 2 * hidden + sum : 0;
        long most = Math.max(Math.max(3 * forward, forward + hidden), after);
        return hidden + before() + most + routing() + expert();
    }

    /// The same of a tile of rows, the input not included.
    long inferenceOfTile() {
        return inference() - hidden;
    }

    /// The most that lives in the backward pass of a tile of rows, which is computed and recorded
    /// again, besides its input and the gradient of its output.
    long backwardOfTile() {
        long recorded = kept() - (keepsInput() ? hidden : 0);
        long after = hasAfter ? ofNorm() - hidden : 0;
        long steps =
                LongStream.of(ofDown() - hidden, ofGates() - rest(), after).max().orElseThrow();
        return Math.max(recorded + again() + steps, allHeld());
    }

    /// What lives besides what is kept in the backward pass, at the worst step.
    long backward() {
        long blocks = activatedAgain() + Math.max(ofDown(), normedAgain() + ofGates());
        return Math.max(blocks, ofNorm());
    }

    /// The same where what would be made again is there.
    long backwardOfHeld() {
        return LongStream.of(ofDown(), ofGates(), ofNorm()).max().orElseThrow();
    }

    private long rest() {
        return input ? hidden : 0;
    }

    private long ofNorm() {
        return hasAfter ? 2 * hidden + (hasScale && input ? hidden : 0) : 0;
    }

    /// The gradient of the block's output, which is the residual's too unless something
    /// lies between, and that of the activated product.
    private long ofDown() {
        boolean shared = !hasAfter && !hasScale;
        return (shared ? hidden : rest())
                + (gated ? forward : 0)
                + trained.through(down, shared ? 0 : hidden)
                + expert();
    }

    private long ofGates() {
        return rest() + (hasBefore && normed ? hidden : 0) + gateUpStep + expert();
    }
}
