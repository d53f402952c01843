package dev.graft.optim;

import dev.graft.kernel.AdamWPart;
import dev.graft.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Moments in the type of the parameter, float32; their names are those of `torch.optim.AdamW`.
record Moments32(Tensor m, Tensor v) implements Moments {
    static Moments32 zeros(Tensor value, StateMemory memory) {
        return new Moments32(
                memory.zeros(value.dtype(), value.shape()),
                memory.zeros(value.dtype(), value.shape()));
    }

    @Override
    public Moments part(long from, long count) {
        return new Moments32(Moments.range(m, from, count), Moments.range(v, from, count));
    }

    @Override
    public AdamWPart with(Tensor value, Tensor gradient) {
        return new AdamWPart.Plain(value, gradient, m, v);
    }

    @Override
    public Map<String, Tensor> tensors() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("exp_avg", m);
        tensors.put("exp_avg_sq", v);
        return tensors;
    }

    @Override
    public List<Tensor> paged() {
        return List.of(m, v);
    }
}
