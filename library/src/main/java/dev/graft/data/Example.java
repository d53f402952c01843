package dev.graft.data;

import java.util.Arrays;

/// One tokenized sequence and which of its positions are trained.
///
/// `trained[i]` means: token `i` is a target of the loss. The mark belongs to the position, never
/// to the token id, so an end-of-sequence token is trained where it ends an answer whatever else
/// shares its id. The first token has nothing before it that could predict it, so its mark is
/// always cleared. Compared by content below. Not copied: the data set would double if every array
/// were copied.
@SuppressWarnings("ArrayRecordComponent")
public record Example(int[] ids, boolean[] trained) {
    public Example {
        if (ids.length == 0) {
            throw new IllegalArgumentException("an example needs at least one token");
        }
        if (ids.length != trained.length) {
            throw new IllegalArgumentException(
                    "%d token ids but %d marks".formatted(ids.length, trained.length));
        }
        if (trained[0]) {
            trained = trained.clone();
            trained[0] = false;
        }
    }

    /// An example whose every token is trained, but for the first.
    public static Example allTrained(int... ids) {
        var trained = new boolean[ids.length];
        Arrays.fill(trained, true);
        return new Example(ids, trained);
    }

    /// An example whose tokens from position `promptLength` on are trained.
    public static Example completion(int promptLength, int... ids) {
        var trained = new boolean[ids.length];
        Arrays.fill(trained, promptLength, ids.length, true);
        return new Example(ids, trained);
    }

    public int length() {
        return ids.length;
    }

    public int trainedTokens() {
        int count = 0;
        for (boolean mark : trained) {
            if (mark) {
                count++;
            }
        }
        return count;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Example(int[] otherIds, boolean[] otherTrained)
                && Arrays.equals(ids, otherIds)
                && Arrays.equals(trained, otherTrained);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(ids) + Arrays.hashCode(trained);
    }

    @Override
    public String toString() {
        return "Example[" + ids.length + " tokens, " + trainedTokens() + " trained]";
    }
}
