package dev.graft.tensor;

/// Work that is done again and again: the same operations at the same addresses, with nothing from
/// the host and nothing for it. A card gets it once and repeats it by itself; elsewhere it is done
/// each time.
public interface Recording extends AutoCloseable {
    /// Does the work once more; a card is not waited for.
    void run();

    @Override
    void close();
}
