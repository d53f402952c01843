package dev.graft.tensor;

/// Makes memory of the host for a card to reach by itself.
@FunctionalInterface
public interface HostMaker {
    /// That of a card is [Tensor#pinned]; the device without numbers has none there either.
    static HostMaker of(Device device) {
        return device.isCard()
                ? Tensor::pinned
                : (type, shape) -> Tensor.empty(device, type, shape);
    }

    /// A tensor with arbitrary contents, in the current scope.
    Tensor of(DType dtype, long... shape);
}
