package dev.graft.tensor;

/// Work that is done again and again: the same operations at the same addresses, with nothing from
/// the host and nothing for it. A card gets it once and repeats it by itself; elsewhere it is done
/// each time.
public interface Recording extends AutoCloseable {
    /// Records work for a device.
    ///
    /// @param work may be done once or more on the way
    static Recording of(Device device, Runnable work) {
        return device.isCard() ? CudaGraph.of(device, work) : new Repetition(work);
    }

    /// Does the work once more; a card is not waited for.
    void run();

    @Override
    void close();
}
