package dev.graft.tensor;

/// Makes memory of the host for a card to reach by itself: [Tensor#pinned] where there is one.
@FunctionalInterface
public interface HostMaker {
    /// A tensor with arbitrary contents, in the current scope.
    Tensor of(DType dtype, long... shape);
}
