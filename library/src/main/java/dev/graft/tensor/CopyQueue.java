package dev.graft.tensor;

/// Copies between the host and a device that are made beside its computation, one after the other.
public interface CopyQueue extends AutoCloseable {
    /// A stream of the card's own; elsewhere each copy is made when it is asked for.
    static CopyQueue of(Device device) {
        return device.isCard() ? new CardCopies(device) : new PromptCopies();
    }

    /// What is sent from now on waits for all computation that was asked for before.
    void follow();

    /// Asks for a copy, and does not wait for it.
    ///
    /// Either is in the host's memory, page-locked for a card, and both are contiguous.
    ///
    /// @param from neither written to nor freed before it is copied
    /// @param to of the same bytes
    void send(Tensor from, Tensor to);

    /// Sets a mark behind all that was sent, in place of an older one of this number.
    void mark(int number);

    /// What is computed from now on waits for all that was sent before a mark.
    void await(int number);

    /// Waits until everything is copied.
    void finish();

    /// Does so, and takes nothing more.
    @Override
    void close();
}
