package dev.graft.model;

import dev.graft.kernel.BlockMaxima;
import dev.graft.kernel.FourBitMatrix;
import dev.graft.kernel.Int8Matrix;
import dev.graft.kernel.QuantizedMatrix;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.tensor.Pages;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// The layers of a base whose codes stay in their files: each is read ahead of its turn and let go
/// after it, so that no more than two are in this process's memory.
final class MappedLayers implements LayerStream {
    private final List<List<MemorySegment>> layers = new ArrayList<>();

    MappedLayers(List<DecoderLayer> layers) {
        for (DecoderLayer layer : layers) {
            List<MemorySegment> mapped = new ArrayList<>();
            for (Linear linear : layer.linears()) {
                if (linear.weight() instanceof FrozenWeight.Quantized q) {
                    codes(q.tensor().matrix()).forEach(t -> mapped.add(t.segment()));
                }
            }
            this.layers.add(mapped);
        }
    }

    private static List<Tensor> codes(QuantizedMatrix matrix) {
        return switch (matrix) {
            case FourBitMatrix m ->
                    switch (m.maxima()) {
                        case BlockMaxima.Plain p -> List.of(m.codes(), p.values());
                        case BlockMaxima.Nested n -> List.of(m.codes(), n.codes());
                    };
            case Int8Matrix m -> List.of(m.codes());
        };
    }

    @Override
    public void begin(int layer, int next) {
        if (next >= 0 && next < layers.size()) {
            layers.get(next).forEach(Pages::willNeed);
        }
    }

    @Override
    public void end(int layer) {
        layers.get(layer).forEach(Pages::release);
    }

    @Override
    public void close() {
        // the files are not ours
    }
}
