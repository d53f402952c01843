package dev.graft.plan;

import dev.graft.model.LayerKind;
import dev.graft.model.ModelLayout;
import dev.graft.model.RotaryEmbedding;
import dev.graft.nn.Tiles;
import dev.graft.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// What a pass holds besides weights and scratch memory: the values that the forward pass keeps for
/// the backward pass, and what lives besides at the worst moment.
final class Activations {
    private static final long ID_BYTES = 4;

    private final ModelLayout model;
    private final TrainedTensors trained;
    private final double dropout;
    private final Computation computation;
    private final long numberBytes;
    private final long hidden; // H
    private final long chunkRows;
    private final List<LayerActivations> layers;

    /// What a pass holds, in bytes.
    ///
    /// @param kept after the forward pass, in memory
    /// @param peak of the whole pass, what is kept included
    /// @param offloaded in files
    /// @param inUse of what is in files, at a time
    record Footprint(long kept, long peak, long offloaded, long inUse) {}

    /// @param chunkRows labelled positions of a chunk of the loss, at most
    Activations(
            ModelLayout model,
            TrainedTensors trained,
            double dropout,
            Computation computation,
            long chunkRows) {
        this.model = model;
        this.trained = trained;
        this.dropout = dropout;
        this.computation = computation;
        this.numberBytes = computation.numberBytes();
        this.hidden = model.config().hidden();
        this.chunkRows = chunkRows;
        this.layers = layers();
    }

    private List<LayerActivations> layers() {
        List<LayerActivations> all = new ArrayList<>();
        boolean needed = trained.whole().contains(model.embedding().path());
        for (ModelLayout.Layer modules : model.layers()) {
            var maps = new TrainedMaps(trained, dropout);
            var layer = new LayerActivations(model.config(), modules, maps, needed, computation);
            all.add(layer);
            needed = layer.needsGradient();
        }
        return all;
    }

    private boolean outputNeeded() {
        return layers.getLast().needsGradient();
    }

    /// Ids, cosines and sines.
    private long idsAndAngles(long tokens) {
        long angles =
                model.config().kinds().stream()
                        .map(LayerKind::rope)
                        .filter(Objects::nonNull)
                        .distinct()
                        .mapToLong(RotaryEmbedding::width)
                        .sum();
        return tokens * (ID_BYTES + angles * DType.F32.bytes());
    }

    /// The input of the last norm, and one number a row.
    private long lastNorm() {
        boolean trains = trained.whole().contains(model.norms().getLast().path());
        return outputNeeded() || trains ? hidden + computation.sumNumbers() : 0;
    }

    /// What the layers keep and the most that lives while they go backward, in numbers.
    private record Pass(long kept, long peak, long offloaded) {}

    private Pass pass(Recomputation policy, BatchShape batch) {
        long tokens = batch.tokens();
        Tiles tiles = policy == Recomputation.NONE ? Tiles.one(tokens) : Tiles.of(tokens, hidden);
        var own = OwnOfAttention.of(model.config(), batch, computation);
        long kept = 0;
        long peak = 0;
        long offloaded = 0;
        for (int i = 0; i < layers.size(); i++) {
            LayerActivations layer = layers.get(i);
            boolean isLast = i + 1 == layers.size();
            long full = tokens * (layer.attention() + layer.mlp());
            long input = layer.needsGradient() ? tokens * hidden : 0;
            boolean isDropped = policy.wholeLayers() && !isLast && layer.needsGradient();
            peak = Math.max(peak, kept + layer.forward(tiles, !isDropped));
            peak = Math.max(peak, kept + tokens * layer.attendingForward() + own.forward());
            long backward;
            long attending;
            if (isDropped) {
                offloaded += policy == Recomputation.OFFLOAD ? input : 0;
                kept += policy == Recomputation.OFFLOAD ? 0 : input;
                backward = layer.backwardOfAll(tiles);
                attending = layer.attendingOfAll(tiles);
            } else if (policy == Recomputation.MLP || tiles.count() > 1) {
                kept += tokens * (layer.attention() + layer.droppedMlp());
                backward = layer.backwardWithoutMlp(tiles);
                attending = layer.attendingWithoutMlp();
            } else {
                kept += full;
                backward = layer.needsGradient() ? tokens * layer.backward() : 0;
                attending = layer.attending();
            }
            peak = Math.max(peak, kept + backward);
            if (layer.attendsBackward()) {
                peak = Math.max(peak, kept + tokens * attending + own.backward());
            }
        }
        return new Pass(kept, peak, offloaded);
    }

    /// A training pass over a batch.
    Footprint training(BatchShape batch, Recomputation policy) {
        long tokens = batch.tokens();
        Pass pass = pass(policy, batch);
        long around = idsAndAngles(tokens);
        long kept = around + (pass.kept() + tokens * lastNorm()) * numberBytes;
        long normedAndGradient = (outputNeeded() || lastNorm() > 0 ? 2 : 1) * hidden;
        long loss = kept + tokens * normedAndGradient * numberBytes + lossBytes(batch, true);
        long layers = around + pass.peak() * numberBytes;
        return new Footprint(
                kept,
                Math.max(loss, layers),
                pass.offloaded() * numberBytes,
                Math.min(pass.offloaded(), 2 * tokens * hidden) * numberBytes);
    }

    /// A pass without gradients: one block of a layer at a time.
    long evaluation(BatchShape batch) {
        long tokens = batch.tokens();
        Tiles tiles = Tiles.of(tokens, hidden);
        var own = OwnOfAttention.of(model.config(), batch, computation);
        long widest =
                layers.stream()
                        .mapToLong(
                                l ->
                                        Math.max(
                                                l.inference(tiles),
                                                tokens * l.attendingInference() + own.forward()))
                        .max()
                        .orElseThrow();
        long inLayers = widest * numberBytes;
        long atTheEnd =
                tokens * (2 * hidden + computation.sumNumbers()) * numberBytes
                        + lossBytes(batch, false);
        return idsAndAngles(tokens) + Math.max(inLayers, atTheEnd);
    }

    /// Rows of a chunk of the loss.
    long lossRows(BatchShape batch) {
        return Math.min(chunkRows, batch.labelled());
    }

    /// Labels and their places, and the rows of a chunk of the loss with their losses (float64),
    /// their gradients, and those of the head's adapter.
    private long lossBytes(BatchShape batch, boolean trains) {
        long rows = lossRows(batch);
        int rank = trained.rank(model.head().path());
        long numbers = hidden + (trains ? hidden : 0);
        if (rank > 0) {
            numbers += 2L * rank + (trains ? hidden : 0);
            numbers += trains && dropout > 0 ? hidden : 0;
        }
        return rows * (numbers * numberBytes + Double.BYTES) + batch.labelled() * 2 * ID_BYTES;
    }
}
