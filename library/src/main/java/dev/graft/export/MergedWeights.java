package dev.graft.export;

import dev.graft.model.Transformer;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.nn.LowRank;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.Weight;
import dev.graft.quant.QuantizedTensor;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/// The weights that a model computes with now, adapters folded in, by their names in its files.
final class MergedWeights {
    private final Map<String, Supplier<Tensor>> changed = new LinkedHashMap<>();
    private final Map<String, QuantizedTensor> codes = new LinkedHashMap<>();
    private final boolean headIsOwn;
    private final Transformer model;

    MergedWeights(Transformer model) {
        this.model = model;
        Weight table = model.embedding().weight();
        put(model.embedding().name(), table);
        headIsOwn = !model.head().weight().equals(table) || model.head().lowRank() != null;
        for (Linear linear : model.linears().values()) {
            if (linear.weight() instanceof FrozenWeight.Quantized(QuantizedTensor tensor, var _)) {
                codes.put(file(linear.name(), ".weight"), tensor);
            }
            if (linear.lowRank() != null) {
                changed.put(file(linear.name(), ".weight"), () -> merged(linear));
            } else {
                put(linear.name(), linear.weight());
            }
            if (linear.bias() != null) {
                changed.put(file(linear.name(), ".bias"), linear::bias);
            }
        }
        for (RmsNorm norm : model.norms().values()) {
            if (norm.parameter() != null) {
                changed.put(file(norm.name(), ".weight"), norm::weight);
            }
        }
    }

    private String file(String module, String tensor) {
        return model.fileName(module) + tensor;
    }

    private void put(String name, Weight weight) {
        if (!(weight instanceof FrozenWeight.Dense)) {
            changed.put(file(name, ".weight"), weight::expanded);
        }
    }

    /// W + s · B · A in float32.
    private static Tensor merged(Linear linear) {
        LowRank part = linear.lowRank();
        try (var scope = Scope.open("merge " + linear.name())) {
            Tensor w = linear.weight().expanded();
            Tensor a = part.a().value().to(DType.F32);
            Tensor b = part.b().value().to(DType.F32);
            return scope.keep(w.addmmInPlace(b, a, 1, part.scale()));
        }
    }

    /// The tensors that differ from the base's files; the others are as they stand there.
    Map<String, Supplier<Tensor>> changed() {
        return changed;
    }

    /// The matrices that are held in codes.
    Map<String, QuantizedTensor> codes() {
        return codes;
    }

    /// Whether the output head is not the embedding table.
    boolean headIsOwn() {
        return headIsOwn;
    }
}
