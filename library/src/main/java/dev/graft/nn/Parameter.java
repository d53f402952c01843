package dev.graft.nn;

import dev.graft.tensor.Tensor;

/// A trained tensor and the sum of its gradients since the last optimizer step. Both live in the
/// scope that was current when they were made.
public final class Parameter {
    private final String name;
    private final Tensor value;
    private final Tensor gradient;

    /// @param name as in the file that it is saved to, without adapter prefix
    public Parameter(String name, Tensor value) {
        this.name = name;
        this.value = value;
        this.gradient = Tensor.zeros(value.dtype(), value.shape());
    }

    public String name() {
        return name;
    }

    public Tensor value() {
        return value;
    }

    public Tensor gradient() {
        return gradient;
    }
}
