package dev.graft.data;

import java.util.ArrayList;
import java.util.List;

/// The endless micro-batches of a run; none spans two epochs, so the last of an epoch may be
/// smaller.
public final class Batches {
    private final Dataset dataset;
    private final SampleOrder order;
    private final int batchSize;

    public Batches(Dataset dataset, int batchSize, long seed, boolean shuffle) {
        if (batchSize < 1) {
            throw new IllegalArgumentException("a batch needs at least one example");
        }
        this.dataset = dataset;
        this.order = new SampleOrder(dataset.size(), seed, shuffle);
        this.batchSize = batchSize;
    }

    /// The next micro-batch.
    public Batch next() {
        int size = Math.min(batchSize, order.leftInEpoch());
        List<Example> examples = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            examples.add(dataset.examples().get(order.next()));
        }
        return Batch.of(examples);
    }

    /// Examples of one epoch.
    public int examples() {
        return dataset.size();
    }

    /// Micro-batches of one epoch.
    public int perEpoch() {
        return Math.ceilDiv(dataset.size(), batchSize);
    }

    /// Where the next micro-batch begins; position 0 means that an epoch has just ended.
    public SampleOrder.Cursor cursor() {
        return order.cursor();
    }

    /// Goes on from a place that [#cursor] told.
    public void seek(SampleOrder.Cursor place) {
        order.seek(place);
    }
}
