package dev.graft.plan;

import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.tensor.DType;
import java.util.List;
import java.util.stream.LongStream;

/// What a pass holds besides weights and scratch memory: the values that the forward pass keeps for
/// the backward pass, and the gradients that are in flight at the worst moment of it.
///
/// One method an operation, each the mirror of what that operation keeps, in numbers a token; the
/// layers are added up by [Recomputation].
final class Activations {
    private static final long ID_BYTES = 4;

    private final ModelLayout model;
    private final TrainedTensors trained;
    private final double dropout;
    private final DType stored;
    private final long numberBytes;
    private final long hidden; // H
    private final long queries; // N·D
    private final long keys; // K·D
    private final long heads; // N
    private final long forward; // F

    /// What a pass holds.
    ///
    /// @param kept after the forward pass, in memory
    /// @param peak of the whole pass, what is kept included
    /// @param onDisk kept in a file
    record Footprint(long kept, long peak, long onDisk) {}

    /// @param stored type of the embedding table
    /// @param numberBytes of the computation's type
    Activations(
            ModelLayout model,
            TrainedTensors trained,
            double dropout,
            DType stored,
            long numberBytes) {
        this.model = model;
        this.trained = trained;
        this.dropout = dropout;
        this.stored = stored;
        this.numberBytes = numberBytes;
        ModelConfig config = model.config();
        ModelConfig.AttentionShape shape = config.attention();
        this.hidden = config.hidden();
        this.queries = (long) shape.heads() * shape.headWidth();
        this.keys = (long) shape.keyHeads() * shape.headWidth();
        this.heads = shape.heads();
        this.forward = config.feedForward();
    }

    // ---- what each operation keeps, in numbers a token ----

    /// Of RmsNorm: its output and one number a row; its input is another's output.
    private long norm() {
        return hidden + 1;
    }

    /// Of q, k and v: x·Aᵀ of those that are adapted; their input is the norm's output, their own
    /// outputs are the attention's inputs.
    private long projections(Layer layer) {
        return layer.ranks(0, 3);
    }

    /// Of the attention: q, k and v, its output, the log-sum of each row and head.
    private long attention() {
        return queries + 2 * keys + queries + heads;
    }

    /// Of o: x·Aᵀ, and its output, which the residual sum takes over.
    private long attentionOutput(Layer layer) {
        return layer.ranks(3, 4) + hidden;
    }

    /// Of the feed-forward part: gate, up, their product, and x·Aᵀ of the three maps.
    private long mlp(Layer layer) {
        return 3 * forward + layer.ranks(4, 7);
    }

    /// Of down: its output, which the residual sum takes over.
    private long layerOutput() {
        return hidden;
    }

    private long layer(Layer layer) {
        return norm()
                + projections(layer)
                + attention()
                + attentionOutput(layer)
                + norm()
                + mlp(layer)
                + layerOutput();
    }

    // ---- what lies before and behind the layers, in bytes ----

    private long idsAndAngles(long tokens) {
        return tokens * (ID_BYTES + model.config().attention().headWidth() * numberBytes);
    }

    /// The rows of the table, and where they are of another type the rows as stored besides.
    private long embedding(long tokens) {
        boolean widened =
                stored.bytes() != numberBytes
                        && !trained.whole().contains(model.embedding().path());
        return tokens * hidden * (numberBytes + (widened ? stored.bytes() : 0));
    }

    private long lastNorm(long tokens) {
        return tokens * norm() * numberBytes;
    }

    // ---- the pass ----

    /// A training pass over a batch.
    Footprint training(BatchShape batch, Recomputation policy) {
        long tokens = batch.tokens();
        List<Layer> layers = layers();
        long inputs = layers.size() * hidden;
        long all = layers.stream().mapToLong(this::layer).sum();
        long mlps = layers.stream().mapToLong(this::mlp).sum();
        long kept = // numbers a token
                switch (policy) {
                    case NONE -> all;
                    case MLP -> all - mlps;
                    case LAYER -> inputs;
                    case OFFLOAD -> Math.min(2, layers.size()) * hidden;
                };
        long again =
                switch (policy) {
                    case NONE -> 0;
                    case MLP -> layers.stream().mapToLong(this::mlp).max().orElse(0);
                    case LAYER, OFFLOAD ->
                            layers.stream().mapToLong(this::layer).max().orElse(0) - hidden;
                };
        long onDisk = policy == Recomputation.OFFLOAD ? tokens * inputs * numberBytes : 0;
        long ends = idsAndAngles(tokens) + embedding(tokens) + lastNorm(tokens);
        long before = ends + tokens * kept * numberBytes;
        long loss = tokens * hidden * numberBytes + lossRows(batch, true);
        long back = tokens * (again + gradients(layers)) * numberBytes;
        return new Footprint(before, before + Math.max(loss, back), onDisk);
    }

    /// A pass without gradients: one layer and its input at a time, and the rows of the table.
    long evaluation(BatchShape batch) {
        long tokens = batch.tokens();
        long layer = layers().stream().mapToLong(l -> layer(l) - l.ranks(0, 7)).max().orElse(0);
        boolean isFrozen = !trained.whole().contains(model.embedding().path());
        long rows = isFrozen ? tokens * hidden * stored.bytes() : 0;
        long inLayers = tokens * (hidden + layer) * numberBytes;
        long atTheEnd = tokens * hidden * numberBytes + lastNorm(tokens) + lossRows(batch, false);
        return idsAndAngles(tokens) + rows + Math.max(inLayers, atTheEnd);
    }

    /// The labelled rows of a chunk of the loss, their gradients, and those of the head's adapter.
    private long lossRows(BatchShape batch, boolean trains) {
        long rows = Scratch.lossRows(model.config().vocabulary(), batch, numberBytes);
        int rank = trained.rank(model.head().path());
        long numbers = hidden + (trains ? hidden : 0);
        if (rank > 0) {
            numbers += 2L * rank + (trains ? hidden : 0) + dropping(rank, hidden);
        }
        return rows * (numbers * numberBytes + ID_BYTES);
    }

    /// The gradients that exist at once at the worst step back through a layer, in numbers a token:
    /// that of the layer's output d, which is the residual's too, and those on the way to its
    /// input.
    private long gradients(List<Layer> layers) {
        return layers.stream().mapToLong(this::gradients).max().orElse(0);
    }

    private long gradients(Layer layer) {
        long d = hidden;
        long dNormed = hidden;
        long down = d + forward + layer.step(6);
        long gateAndUp = d + dNormed + Math.max(layer.step(4), layer.step(5));
        long output = d + queries + layer.step(3);
        long qkv = queries + 2 * keys;
        long attention = d + queries + heads + qkv;
        long value = d + dNormed + qkv + layer.step(2);
        long keyTurn = d + dNormed + qkv;
        long key = d + dNormed + queries + keys + layer.step(1);
        long queryTurn = d + dNormed + 2 * queries;
        long query = d + dNormed + queries + layer.step(0);
        return LongStream.of(
                        down, gateAndUp, output, attention, value, keyTurn, key, queryTurn, query)
                .max()
                .orElseThrow();
    }

    /// What dropout adds while a linear map goes back: the dropped input, the gradient of it, and a
    /// mask and its product.
    private long dropping(int rank, long in) {
        return rank > 0 && dropout > 0 ? 4 * in : 0;
    }

    private List<Layer> layers() {
        int each = (model.linears().size() - 1) / model.config().layers();
        return LongStream.range(0, model.config().layers())
                .mapToObj(
                        i ->
                                new Layer(
                                        model.linears()
                                                .subList((int) i * each, (int) (i + 1) * each)))
                .toList();
    }

    /// The linear maps of a layer: q, k, v, o, gate, up, down.
    private final class Layer {
        private final List<Matrix> linears;

        Layer(List<Matrix> linears) {
            this.linears = linears;
        }

        long ranks(int from, int to) {
            return linears.subList(from, to).stream().mapToLong(m -> trained.rank(m.path())).sum();
        }

        /// What a linear map's adapter takes while it goes back.
        long step(int index) {
            Matrix linear = linears.get(index);
            int rank = trained.rank(linear.path());
            return rank + dropping(rank, linear.in());
        }
    }
}
