package dev.graft.plan;

import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout.Layer;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.model.QueryKeyNorm;
import java.util.List;
import java.util.stream.LongStream;

/// The attention block's part of [LayerActivations], in numbers a token.
final class AttentionActivations {
    private final TrainedMaps trained;
    private final List<Matrix> projections;
    private final List<Matrix> o;
    private final long hidden; // H
    private final long queries; // N·D
    private final long keys; // K·D
    private final long sum; // numbers in whose place one of float32 is
    private final boolean card;
    private final long heads; // N sums
    private final long queryRows; // parts of the queries that are normed alone
    private final long keyRows;
    private final boolean fused;
    private final boolean hasBefore;
    private final boolean hasAfter;
    private final boolean hasScale;

    // Whether the value needs a gradient, in the order of the pass.
    private final boolean input;
    private final boolean normed;
    private final boolean projected;
    private final boolean queriesNormed;
    private final boolean keysNormed;
    private final boolean branch;
    private final boolean output;

    AttentionActivations(
            ModelConfig config,
            Layer layer,
            TrainedMaps trained,
            boolean input,
            Computation computation) {
        var shape = config.attention();
        this.trained = trained;
        this.projections = layer.projections();
        this.o = List.of(layer.output());
        this.hidden = config.hidden();
        this.queries = (long) shape.heads() * shape.headWidth();
        this.keys = (long) shape.keyHeads() * shape.headWidth();
        this.sum = computation.sumNumbers();
        this.card = computation.card();
        this.heads = sum * shape.heads();
        boolean each = shape.norm() == QueryKeyNorm.HEAD;
        boolean hasNorms = shape.norm() != QueryKeyNorm.NONE;
        this.queryRows = hasNorms ? sum * (each ? shape.heads() : 1) : 0;
        this.keyRows = hasNorms ? sum * (each ? shape.keyHeads() : 1) : 0;
        this.fused = shape.fused();
        this.hasBefore = layer.beforeAttention() != null;
        this.hasAfter = layer.afterAttention() != null;
        this.hasScale = config.multipliers().residual() != 1;
        this.input = input;
        this.normed = input || trained.trains(layer.beforeAttention());
        boolean q = normed || trained.trains(projections.subList(0, 1));
        boolean k = normed || trained.trains(projections.subList(fused ? 0 : 1, fused ? 1 : 2));
        this.queriesNormed = hasNorms && (q || trained.trains(layer.queryNorm()));
        this.keysNormed = hasNorms && (k || trained.trains(layer.keyNorm()));
        this.projected = normed || trained.trains(projections) || queriesNormed || keysNormed;
        boolean attended = projected || trained.trains(o);
        this.branch = attended || trained.trains(layer.afterAttention());
        this.output = input || branch;
    }

    /// Whether the block's output needs a gradient.
    boolean needsGradient() {
        return output;
    }

    /// Whether the block's input is among what it keeps.
    boolean keepsInput() {
        return hasBefore ? normed : trained.reads(projections);
    }

    /// What it keeps after the forward pass.
    long kept() {
        long in = keepsInput() || trained.reads(projections) ? hidden : 0;
        long norm = hasBefore && normed ? sum : 0;
        long heart =
                projected
                        ? 2 * queries + 2 * keys + heads + keptRows()
                        : trained.reads(o) ? queries : 0;
        return in + norm + trained.ranks(projections) + heart + trained.ranks(o) + keptAfter();
    }

    /// The reciprocal roots of the norms of queries and keys.
    private long keptRows() {
        return (queriesNormed ? queryRows : 0) + (keysNormed ? keyRows : 0);
    }

    private long keptAfter() {
        return hasAfter && branch ? hidden + sum : 0;
    }

    /// Rotated queries and keys, which are made again where what they are made of is kept.
    private long rotatedAgain() {
        return (queriesNormed ? queries : 0) + (keysNormed ? keys : 0);
    }

    /// What a replay holds besides what is kept.
    long again() {
        boolean made = hasBefore && normed && trained.reads(projections);
        return (made ? hidden : 0) + rotatedAgain();
    }

    private long before() {
        return hasBefore ? hidden + sum : 0;
    }

    private long after() {
        return hasAfter ? hidden + sum : 0;
    }

    /// Everything that the block computes, kept or not, at its worst moment.
    long all() {
        long narrow = trained.ranks(projections) + trained.ranks(o);
        long split = fused ? 2 * queries + 4 * keys : 0;
        long last = Math.max(hidden + after(), trained.dropped(o));
        long end = operation() + last;
        return before() + narrow + queryRows + keyRows + rotatedAgain() + Math.max(split, end);
    }

    /// The same while the operation runs, but for what it makes for itself on a card.
    long attendingForward() {
        long narrow = trained.ranks(projections);
        return before() + narrow + queryRows + keyRows + rotatedAgain() + operation();
    }

    /// Queries, keys, values, the result and its log-sums.
    private long operation() {
        return 2 * queries + 2 * keys + heads;
    }

    /// The same where nothing is freed.
    long allHeld() {
        long narrow = trained.ranks(projections) + trained.ranks(o);
        long unrotated = queries + keys + (fused ? keys : 0);
        long normedHeads = queryRows > 0 ? queries + keys : 0;
        long end = operation() + hidden + after();
        return before() + narrow + queryRows + keyRows + unrotated + normedHeads + end;
    }

    /// The most that lives in a pass without gradients, the input included.
    long inference() {
        long split = fused ? 2 * queries + 4 * keys : 0;
        long end = operation() + hidden + after();
        return hidden + before() + queryRows + keyRows + Math.max(split, end);
    }

    /// The same while the operation runs, but for what it makes for itself on a card.
    long attendingInference() {
        return hidden + before() + queryRows + keyRows + operation();
    }

    /// What lives besides what is kept in the backward pass, at the worst step; a
    /// feed-forward block with a segment of its own is gone when it runs.
    ///
    /// @param recomputes whether the normed input is made again by the first of v, k and q
    ///     to read it, and rotated heads by the attention, rather than there
    long backward(boolean recomputes) {
        long rest = input ? hidden : 0; // the residual's, where anything before it is trained
        boolean shared = !hasAfter && !hasScale;
        long throughNorm = hasAfter ? 2 * hidden + (hasScale && input ? hidden : 0) : 0;
        long throughOutput =
                (shared ? hidden : rest)
                        + (projected ? queries : 0)
                        + trained.through(o, shared ? 0 : hidden);
        if (!projected) {
            return Math.max(throughNorm, throughOutput);
        }
        long rotated = recomputes ? rotatedAgain() : 0;
        long back =
                rotated + Math.max(fused ? fused(rest, recomputes) : 0, apart(rest, recomputes));
        return LongStream.of(throughNorm, throughOutput, attending(recomputes), back)
                .max()
                .orElseThrow();
    }

    /// Whether the gradients of queries, keys and values are wanted.
    boolean goesBackward() {
        return projected;
    }

    /// The same while these are made, but for what the operation makes for itself on a card.
    long attending(boolean recomputes) {
        long rest = input ? hidden : 0;
        long rotated = recomputes ? rotatedAgain() : 0;
        // On a processor those of keys and values lie apart for each query head at first.
        return rest + (card ? 2 * queries : 4 * queries) + 2 * keys + rotated;
    }

    private long gradientOfNormed() {
        return hasBefore && normed ? hidden : 0;
    }

    private long fused(long rest, boolean recomputes) {
        Matrix map = projections.getFirst();
        long all = queries + 2 * keys;
        long d = gradientOfNormed();
        long again = recomputes && hasBefore && normed ? hidden : 0;
        long atMap = all + d + (trained.readsWeight(map) ? again : 0) + trained.narrow(map);
        long behindMap = d + (trained.reads(map) ? again : 0) + trained.step(projections);
        return rest + LongStream.of(2 * all, atMap, behindMap).max().orElseThrow();
    }

    private long apart(long rest, boolean recomputes) {
        if (fused) {
            return 0;
        }
        Matrix q = projections.get(0);
        Matrix k = projections.get(1);
        Matrix v = projections.get(2);
        long d = rest + gradientOfNormed();
        long again = recomputes && hasBefore && normed ? hidden : 0;
        boolean afterV = trained.readsAtOnce(List.of(v));
        boolean afterK = trained.readsAtOnce(List.of(v, k));
        long atV = d + (trained.readsWeight(v) ? again : 0);
        long behindV = d + (afterV ? again : 0);
        long atK = d + (afterV || trained.readsWeight(k) ? again : 0);
        long behindK = d + (afterK ? again : 0);
        long atQ = d + (afterK || trained.readsWeight(q) ? again : 0);
        long behindQ = d + (trained.reads(projections) ? again : 0);
        long between = trained.between(projections);
        return LongStream.of(
                        atV + queries + 2 * keys + trained.narrow(v, projections),
                        behindV + queries + keys + trained.step(List.of(v)),
                        // the rotation of k, and its norm
                        behindV + queries + 2 * keys + between,
                        atK + queries + keys + trained.narrow(k, projections),
                        behindK + queries + trained.step(List.of(k)),
                        // the rotation of q, and its norm
                        behindK + 2 * queries + between,
                        atQ + queries + trained.narrow(q, projections),
                        behindQ + trained.step(projections))
                .max()
                .orElseThrow();
    }
}
