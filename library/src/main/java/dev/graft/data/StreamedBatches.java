package dev.graft.data;

import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;

/// Micro-batches of a data set that is read and tokenized as they are needed: nothing of it is kept
/// but a buffer of examples, from which they are drawn at random (as `datasets` shuffles a stream).
///
/// An epoch's order depends on the seed, the epoch and the buffer alone. Going on from a checkpoint
/// reads and tokenizes again what was seen of its epoch.
public final class StreamedBatches implements BatchStream {
    /// Examples that are in memory to be drawn from.
    public static final int BUFFER = 1000;

    private final DatasetSource source;
    private final Tokenization tokenization;
    private final int heldOut;
    private final int batchSize;
    private final long seed;
    private final int bufferSize;
    private final List<Example> buffer = new ArrayList<>();
    private SampleOrder.Cursor cursor = new SampleOrder.Cursor(0, 0);
    private DatasetReader rows;
    private Pipeline<Row, Tokenization.Made> made;
    private Iterator<Example> pending = List.<Example>of().iterator();
    private long state;

    /// @param heldOut so many first examples are left out, for evaluation
    /// @param shuffle false keeps the order of the files
    public StreamedBatches(
            DatasetSource source,
            Tokenization tokenization,
            int heldOut,
            int batchSize,
            long seed,
            boolean shuffle) {
        this.source = source;
        this.tokenization = tokenization;
        this.heldOut = heldOut;
        this.batchSize = batchSize;
        this.seed = seed;
        this.bufferSize = shuffle ? BUFFER : 1;
    }

    @Override
    public Batch next() {
        List<Example> examples = new ArrayList<>(batchSize);
        do {
            examples.add(draw());
        } while (examples.size() < batchSize && cursor.position() > 0);
        return Batch.of(examples);
    }

    private Example draw() {
        if (made == null) {
            begin();
        }
        state += Shuffle.GOLDEN;
        int index = (int) Math.unsignedMultiplyHigh(Shuffle.mix(state), buffer.size());
        Example drawn = buffer.get(index);
        Example last = buffer.removeLast();
        if (index < buffer.size()) {
            buffer.set(index, last);
        }
        fill();
        if (buffer.isEmpty()) {
            end();
            cursor = new SampleOrder.Cursor(cursor.epoch() + 1, 0);
        } else {
            cursor = new SampleOrder.Cursor(cursor.epoch(), cursor.position() + 1);
        }
        return drawn;
    }

    private void begin() {
        var tokenizer = new RowTokenizer(source, tokenization);
        rows = DatasetReader.open(source);
        made = new Pipeline<>(tokenizer.seeing(rows), tokenizer::examples);
        state = Shuffle.mix(seed) ^ Shuffle.mix(cursor.epoch() * Shuffle.GOLDEN + 1);
        for (int i = 0; i < heldOut && hasExample(); i++) {
            pending.next();
        }
        fill();
        if (buffer.isEmpty()) {
            end();
            throw new ConfigException(
                    "dataset %s: no token is trained, after %d held-out examples"
                            .formatted(source.files(), heldOut));
        }
    }

    private void fill() {
        while (buffer.size() < bufferSize && hasExample()) {
            buffer.add(pending.next());
        }
    }

    private boolean hasExample() {
        while (!pending.hasNext() && made.hasNext()) {
            pending = made.next().examples().stream().filter(e -> e.trainedTokens() > 0).iterator();
        }
        return pending.hasNext();
    }

    private void end() {
        if (made != null) {
            made.close();
            rows.close();
            made = null;
            rows = null;
        }
        buffer.clear();
        pending = List.<Example>of().iterator();
    }

    @Override
    public SampleOrder.Cursor cursor() {
        return cursor;
    }

    @Override
    public void seek(SampleOrder.Cursor place) {
        end();
        cursor = new SampleOrder.Cursor(place.epoch(), 0);
        for (int i = 0; i < place.position(); i++) {
            draw();
            if (cursor.position() == 0) {
                throw new ConfigException(
                        "resume: found a checkpoint at example %d of its data set, expected below the %d there are; is it another data set?"
                                .formatted(place.position(), i + 1));
            }
        }
    }

    @Override
    public OptionalInt examples() {
        return OptionalInt.empty();
    }

    @Override
    public void close() {
        end();
    }
}
