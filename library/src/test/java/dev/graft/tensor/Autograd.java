package dev.graft.tensor;

/// libtorch's own autograd, the oracle of the gradient tests. Training never uses it.
public final class Autograd {
    private Autograd() {}

    /// Starts recording what is computed from this tensor.
    public static Tensor leaf(Tensor tensor) {
        tensor.raw().set_requires_grad(true);
        return tensor;
    }

    /// Runs libtorch's backward pass from a tensor of one element.
    public static void backward(Tensor loss) {
        loss.raw().backward();
    }

    /// The gradient that reached a leaf.
    public static Tensor gradient(Tensor leaf) {
        return Tensor.wrap(leaf.raw().grad());
    }
}
