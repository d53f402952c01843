package dev.graft.data;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// The micro-batches of a data set whose examples are all at hand.
public final class Batches implements BatchStream {
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

    @Override
    public Batch next() {
        int size = Math.min(batchSize, order.leftInEpoch());
        List<Example> examples = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            examples.add(dataset.examples().get(order.next()));
        }
        return Batch.of(examples);
    }

    @Override
    public OptionalInt examples() {
        return OptionalInt.of(dataset.size());
    }

    /// Micro-batches of one epoch.
    public int perEpoch() {
        return Math.ceilDiv(dataset.size(), batchSize);
    }

    @Override
    public SampleOrder.Cursor cursor() {
        return order.cursor();
    }

    @Override
    public void seek(SampleOrder.Cursor place) {
        order.seek(place);
    }

    @Override
    public void close() {}
}
