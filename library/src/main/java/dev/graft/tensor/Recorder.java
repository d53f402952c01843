package dev.graft.tensor;

/// Records work that is done again and again. Its recordings are run one at a time, and nothing
/// that the work makes outlives a run: they share the memory for that.
public interface Recorder extends AutoCloseable {
    static Recorder on(Device device) {
        return device.isCard() ? new CudaRecorder(device) : new Repetition.Maker();
    }

    /// Does the work once, and records it.
    Recording record(Runnable work);

    /// To be closed after its recordings.
    @Override
    void close();
}
