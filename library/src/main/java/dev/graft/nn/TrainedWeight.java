package dev.graft.nn;

import static dev.graft.kernel.Factor.plain;
import static dev.graft.kernel.Factor.transposed;

import dev.graft.kernel.Kernels;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// A weight that is trained itself: full fine-tuning, or a module of `modules_to_save`.
///
/// @param parameter [out, in], in the type of the computation
public record TrainedWeight(Parameter parameter) implements Weight {
    @Override
    public long out() {
        return parameter.value().size(0);
    }

    @Override
    public long in() {
        return parameter.value().size(1);
    }

    @Override
    public void product(Tensor x, Tensor y, Workspace workspace) {
        Kernels.of(x).multiply(1, plain(x), transposed(parameter.value()), 0, y);
    }

    @Override
    public void productTransposed(Tensor dy, Tensor dx, boolean add, Workspace workspace) {
        Kernels.of(dy).multiply(1, plain(dy), plain(parameter.value()), add ? 1 : 0, dx);
    }

    @Override
    public Tensor rows(Tensor ids) {
        return parameter.value().indexSelect(0, ids);
    }

    @Override
    public Tensor expanded() {
        Tensor value = parameter.value();
        return value.dtype() == DType.F32 ? value.copy() : value.to(DType.F32);
    }

    /// dW += dyᵀ · x.
    void addGradient(Tensor dy, Tensor x) {
        Kernels.of(x).multiply(1, transposed(dy), plain(x), 1, parameter.gradient());
    }
}
