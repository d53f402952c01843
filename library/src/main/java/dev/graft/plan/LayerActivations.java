package dev.graft.plan;

import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout.Matrix;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// What one layer keeps for its backward pass and what lives besides while it runs backward, in
/// numbers a token: the arithmetic of `docs/activations.md`, for any choice of trained modules.
final class LayerActivations {
    private static final int Q = 0;
    private static final int K = 1;
    private static final int V = 2;
    private static final int O = 3;
    private static final int GATE = 4;
    private static final int UP = 5;
    private static final int DOWN = 6;

    private final List<Matrix> linears;
    private final TrainedTensors trained;
    private final double dropout;
    private final long hidden; // H
    private final long queries; // N·D
    private final long keys; // K·D
    private final long heads; // N
    private final long forward; // F

    // Whether the value needs a gradient, in the order of the forward pass.
    private final boolean input;
    private final boolean firstNormed;
    private final boolean projected;
    private final boolean afterAttention;
    private final boolean secondNormed;
    private final boolean gated;
    private final boolean output;

    /// @param linears q, k, v, o, gate, up, down
    /// @param norms paths of the two norms
    /// @param input whether the layer's input needs a gradient
    LayerActivations(
            ModelConfig config,
            List<Matrix> linears,
            List<String> norms,
            TrainedTensors trained,
            double dropout,
            boolean input) {
        ModelConfig.AttentionShape shape = config.attention();
        this.linears = linears;
        this.trained = trained;
        this.dropout = dropout;
        this.hidden = config.hidden();
        this.queries = (long) shape.heads() * shape.headWidth();
        this.keys = (long) shape.keyHeads() * shape.headWidth();
        this.heads = shape.heads();
        this.forward = config.feedForward();
        this.input = input;
        this.firstNormed = input || trained.whole().contains(norms.getFirst());
        this.projected = firstNormed || trains(Q, K, V);
        this.afterAttention = input || projected || trains(O);
        this.secondNormed = afterAttention || trained.whole().contains(norms.getLast());
        this.gated = secondNormed || trains(GATE, UP);
        this.output = afterAttention || gated || trains(DOWN);
    }

    /// Whether the layer's output needs a gradient.
    boolean needsGradient() {
        return output;
    }

    private boolean trains(int... maps) {
        return IntStream.of(maps)
                .mapToObj(linears::get)
                .anyMatch(
                        m ->
                                trained.rank(m.path()) > 0
                                        || trained.whole().contains(m.path())
                                        || trained.elements().containsKey(m.path() + ".bias"));
    }

    /// Whether the backward steps of these maps read their inputs, for dA or dW.
    private boolean reads(int... maps) {
        return IntStream.of(maps)
                .mapToObj(linears::get)
                .anyMatch(m -> trained.rank(m.path()) > 0 || trained.whole().contains(m.path()));
    }

    private long ranks(int... maps) {
        return IntStream.of(maps).mapToLong(i -> trained.rank(linears.get(i).path())).sum();
    }

    // ---- kept after the forward pass, an operation a line ----

    /// Of the attention block.
    long attention() {
        long norm = firstNormed ? hidden + 1 : reads(Q, K, V) ? hidden : 0;
        long heart = projected ? 2 * queries + 2 * keys + heads : reads(O) ? queries : 0;
        return norm + ranks(Q, K, V) + heart + ranks(O);
    }

    /// Of the feed-forward block.
    long mlp() {
        long norm = secondNormed ? hidden + 1 : reads(GATE, UP) ? hidden : 0;
        long gates = gated ? 2 * forward : reads(DOWN) ? forward : 0;
        return norm + gates + ranks(GATE, UP, DOWN);
    }

    /// Of a feed-forward block that is dropped: its input.
    long droppedMlp() {
        return output ? hidden : 0;
    }

    // ---- made again from what is kept ----

    private long firstNormedAgain() {
        return firstNormed && reads(Q, K, V) ? hidden : 0;
    }

    private long secondNormedAgain() {
        return secondNormed && reads(GATE, UP) ? hidden : 0;
    }

    private long activatedAgain() {
        return gated && reads(DOWN) ? forward : 0;
    }

    // ---- everything that a block computes, kept or not ----

    private long allOfAttention() {
        return hidden + 1 + ranks(Q, K, V, O) + 2 * queries + 2 * keys + heads + hidden;
    }

    private long allOfMlp() {
        return hidden + 1 + ranks(GATE, UP, DOWN) + 3 * forward;
    }

    /// The most that lives in the forward pass, what is kept included: a block's input and result
    /// and all between.
    long forward() {
        long inMlp = attention() + hidden + allOfMlp() + hidden;
        return Math.max(hidden + allOfAttention(), inMlp);
    }

    /// The same of a pass without gradients.
    long inference() {
        long inMlp = 3 * hidden + 1 + 3 * forward;
        long inAttention = 3 * hidden + 1 + 2 * queries + 2 * keys + heads;
        return Math.max(inMlp, inAttention);
    }

    // ---- what lives besides what is kept in the backward pass, at the worst step ----

    /// Of a layer that was recorded.
    long backward() {
        long mlp =
                activatedAgain()
                        + Math.max(backwardOfDown(), secondNormedAgain() + backwardOfGates());
        return Math.max(mlp, backwardOfAttention(true) - mlp());
    }

    /// Of a layer whose feed-forward block was dropped: that block, computed and recorded again,
    /// and going backward; or the attention.
    long backwardWithoutMlp() {
        long recorded = mlp() - (secondNormed ? hidden : 0);
        long again = secondNormedAgain() + activatedAgain();
        long mlp = recorded + again + Math.max(backwardOfDown(), backwardOfGates());
        long turn = allOfMlp() + hidden;
        return Math.max(Math.max(mlp, turn), backwardOfAttention(true) - droppedMlp());
    }

    /// Of a layer of which only the input was kept: all of it, computed and recorded again.
    long backwardOfAll() {
        long recorded = attention() + mlp() - (firstNormed ? hidden : 0);
        long again = firstNormedAgain() + secondNormedAgain() + activatedAgain();
        long steps =
                LongStream.of(backwardOfDown(), backwardOfGates(), backwardOfAttention(false))
                        .max()
                        .orElseThrow();
        // at the turn nothing has been freed, q and k before their rotation neither
        long turn = allOfAttention() + queries + keys + allOfMlp() + hidden;
        return Math.max(recorded + again + steps, turn);
    }

    /// The gradient of the layer's output, which is the residual's, and that of silu(g) ⊙ u.
    private long backwardOfDown() {
        return hidden + (gated ? forward : 0) + step(DOWN);
    }

    private long backwardOfGates() {
        return hidden + (secondNormed ? hidden : 0) + Math.max(step(GATE), step(UP));
    }

    /// When it runs, a feed-forward block with a segment of its own is gone.
    ///
    /// @param recomputes whether the normed input is made again by the first of v, k and q to read
    ///   it, rather than there
    private long backwardOfAttention(boolean recomputes) {
        long throughOutput = hidden + (projected ? queries : 0) + step(O);
        if (!projected) {
            return throughOutput;
        }
        long d = input ? hidden : 0; // the residual's, where anything before it is trained
        long dNormed = firstNormed ? hidden : 0;
        long again = recomputes && firstNormed ? hidden : 0;
        long atV = d + dNormed + (reads(V) ? again : 0);
        long atK = d + dNormed + (reads(V, K) ? again : 0);
        long atQ = d + dNormed + (reads(V, K, Q) ? again : 0);
        return LongStream.of(
                        throughOutput,
                        d + 2 * queries + heads + 2 * keys,
                        atV + queries + 2 * keys + step(V),
                        atV + queries + 2 * keys, // the rotation of k
                        atK + queries + keys + step(K),
                        atK + 2 * queries, // the rotation of q
                        atQ + queries + step(Q))
                .max()
                .orElseThrow();
    }

    /// The narrow gradient of an adapter; with dropout the gradient through it and its mask.
    private long step(int map) {
        Matrix linear = linears.get(map);
        int rank = trained.rank(linear.path());
        return rank + (rank > 0 && dropout > 0 ? 2 * linear.in() : 0);
    }
}
