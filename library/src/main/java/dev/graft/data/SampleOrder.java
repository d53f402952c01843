package dev.graft.data;

import dev.graft.error.ConfigException;

/// The endless order in which the examples of a data set are seen: every epoch a permutation of its
/// own, told by the seed, or the order of the file.
public final class SampleOrder {
    private final int size;
    private final long seed;
    private final boolean shuffle;
    private int[] permutation;
    private Cursor cursor = new Cursor(0, 0);

    /// Where in the order the next example is: what a checkpoint has to remember of it.
    ///
    /// @param epoch passes that are complete
    /// @param position examples of this pass that were seen
    public record Cursor(int epoch, int position) {
        public Cursor {
            if (epoch < 0 || position < 0) {
                throw new IllegalArgumentException(
                        "no place in a data set: " + epoch + ", " + position);
            }
        }
    }

    public SampleOrder(int size, long seed, boolean shuffle) {
        if (size < 1) {
            throw new IllegalArgumentException("an order needs at least one example");
        }
        this.size = size;
        this.seed = seed;
        this.shuffle = shuffle;
    }

    /// The index of the next example; after the last of an epoch comes the first of the next.
    public int next() {
        if (permutation == null) {
            permutation = shuffle ? Shuffle.permutation(size, seed, cursor.epoch()) : null;
        }
        int index = shuffle ? permutation[cursor.position()] : cursor.position();
        boolean last = cursor.position() + 1 == size;
        cursor =
                last
                        ? new Cursor(cursor.epoch() + 1, 0)
                        : new Cursor(cursor.epoch(), cursor.position() + 1);
        if (last) {
            permutation = null;
        }
        return index;
    }

    /// Examples that are left in this epoch, at least 1.
    public int leftInEpoch() {
        return size - cursor.position();
    }

    public Cursor cursor() {
        return cursor;
    }

    /// Goes on from a place that [#cursor] told, of an order of the same size and seed.
    ///
    /// @throws ConfigException where there is no such place, as in another data set
    public void seek(Cursor place) {
        if (place.position() >= size) {
            throw new ConfigException(
                    "resume: found a checkpoint at example %d of its data set, expected below the %d there are; is it another data set?"
                            .formatted(place.position(), size));
        }
        cursor = place;
        permutation = null;
    }
}
