package dev.graft.nn;

import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// A value on the tape and, while the backward pass runs, the gradient of the loss by it.
public final class Var {
    private final Tensor value;
    private final boolean needsGradient;
    private final Scope gradients;
    private Tensor gradient;

    Var(Tensor value, boolean needsGradient, Scope gradients) {
        this.value = value;
        this.needsGradient = needsGradient;
        this.gradients = gradients;
    }

    public Tensor value() {
        return value;
    }

    /// Whether anything trained lies before this value; if not, its gradient is never computed.
    public boolean needsGradient() {
        return needsGradient;
    }

    boolean hasGradient() {
        return gradient != null;
    }

    /// The gradient that has arrived, handed to the current scope: freed when the step ends.
    Tensor takeGradient() {
        if (gradient == null) {
            throw new IllegalStateException("no gradient reached " + value.describe());
        }
        Tensor taken = gradient;
        gradient = null;
        return Scope.handToCurrent(taken);
    }

    /// Adds to the gradient a tensor that the caller gives up.
    void giveGradient(Tensor part) {
        if (gradient == null) {
            gradient = gradients.adopt(part);
        } else {
            gradient.addInPlace(part);
        }
    }

    /// The gradient so far, zeros if none: for operations that add to it in place.
    Tensor gradientSoFar() {
        if (gradient == null) {
            gradient = gradients.adopt(Tensor.zeros(value.dtype(), value.shape()));
        }
        return gradient;
    }

    /// The gradient as memory to write to: uninitialized where `hasGradient` is false.
    Tensor gradientMemory() {
        if (gradient == null) {
            gradient = gradients.adopt(Tensor.empty(value.dtype(), value.shape()));
        }
        return gradient;
    }
}
