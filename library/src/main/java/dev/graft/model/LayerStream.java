package dev.graft.model;

import dev.graft.tensor.CopyQueue;
import dev.graft.tensor.Device;
import java.util.List;

/// What is done for layers of a base that does not lie where it is computed with: each is brought
/// for its turn, the next of them meanwhile.
interface LayerStream extends AutoCloseable {
    /// For a base that lies where it is used.
    LayerStream NONE =
            new LayerStream() {
                @Override
                public void begin(int layer, int next) {}

                @Override
                public void end(int layer) {}

                @Override
                public void close() {}
            };

    /// Before the turn of a layer.
    ///
    /// @param next the layer after it, or a number that no layer has
    void begin(int layer, int next);

    /// After its turn.
    void end(int layer);

    @Override
    void close();

    /// Takes what memory it needs in the current scope.
    ///
    /// @param device of the computation
    static LayerStream of(List<DecoderLayer> layers, BaseResidency residency, Device device) {
        return switch (residency) {
            case AUTO, RAM -> NONE;
            case MAPPED -> new MappedLayers(layers);
            case STREAMED -> SentLayers.of(layers, CopyQueue.of(device));
        };
    }
}
