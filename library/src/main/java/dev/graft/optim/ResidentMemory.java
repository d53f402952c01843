package dev.graft.optim;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// Memory of the process: nothing to fetch and nothing to let go.
enum ResidentMemory implements StateMemory {
    INSTANCE;

    @Override
    public Tensor zeros(DType type, long... shape) {
        return Tensor.zeros(type, shape);
    }

    @Override
    public void willNeed(Tensor moments) {}

    @Override
    public void release(Tensor moments) {}

    @Override
    public void close() {}
}
