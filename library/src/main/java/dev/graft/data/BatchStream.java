package dev.graft.data;

import java.util.OptionalInt;

/// The endless micro-batches of a run; none spans two epochs, so the last of an epoch may be
/// smaller.
public interface BatchStream extends AutoCloseable {
    /// The next micro-batch.
    Batch next();

    /// Where the next micro-batch begins; position 0 means that an epoch has just ended.
    SampleOrder.Cursor cursor();

    /// Goes on from a place that [#cursor] told.
    void seek(SampleOrder.Cursor place);

    /// Examples of one epoch, where that is known.
    OptionalInt examples();

    @Override
    void close();
}
