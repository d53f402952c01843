package dev.graft.nn;

import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.Arrays;
import java.util.function.Supplier;

/// A value on the tape and, while the backward pass runs, the gradient of the loss by it.
public final class Var {
    private final DType dtype;
    private final long[] shape;
    private final boolean needsGradient;
    private final Scope gradients;
    private final Supplier<Tensor> computation;
    private Tensor value;
    private Tensor gradient;
    private boolean held;
    private Scope home;

    /// A value that is there.
    Var(Tensor value, boolean needsGradient, Scope gradients) {
        this(value.dtype(), value.shape(), null, needsGradient, gradients);
        this.value = value;
    }

    /// A value that is computed when it is asked for, and again if it has been freed meanwhile.
    Var(
            DType dtype,
            long[] shape,
            Supplier<Tensor> computation,
            boolean needsGradient,
            Scope gradients) {
        this.dtype = dtype;
        this.shape = shape;
        this.computation = computation;
        this.needsGradient = needsGradient;
        this.gradients = gradients;
    }

    public Tensor value() {
        if (computation != null && (value == null || value.isClosed())) {
            value = computation.get();
            if (home != null) {
                home.adopt(value);
            }
        }
        return value;
    }

    DType dtype() {
        return dtype;
    }

    long[] shape() {
        return shape;
    }

    /// Whether anything trained lies before this value; if not, its gradient is never computed.
    public boolean needsGradient() {
        return needsGradient;
    }

    /// Whether a backward step holds on to the value.
    boolean isHeld() {
        return held;
    }

    boolean isComputed() {
        return value != null && !value.isClosed();
    }

    /// Whether the value can be computed again, so that nothing has to hold on to it.
    boolean isCheap() {
        return computation != null;
    }

    /// Holds on to the value until the scope closes; the first holder is the last one to read it.
    void hold(Scope segment) {
        if (!held) {
            held = true;
            if (segment != null) {
                segment.adopt(value());
            }
        }
    }

    /// Where the value lives from when the backward pass computes it again.
    void returnTo(Scope segment) {
        if (home == null) {
            home = segment;
        }
    }

    /// The same numbers in other memory; the memory so far is freed.
    void moveTo(Tensor elsewhere) {
        value.close();
        value = elsewhere;
    }

    boolean hasGradient() {
        return gradient != null;
    }

    /// The gradient that has arrived, handed to the current scope: freed when the step ends.
    Tensor takeGradient() {
        if (gradient == null) {
            throw new IllegalStateException(
                    "no gradient reached a value of shape " + Arrays.toString(shape));
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
            gradient = gradients.adopt(Tensor.zeros(dtype, shape));
        }
        return gradient;
    }

    /// The gradient as memory to write to: uninitialized where `hasGradient` is false.
    Tensor gradientMemory() {
        if (gradient == null) {
            gradient = gradients.adopt(Tensor.empty(dtype, shape));
        }
        return gradient;
    }
}
