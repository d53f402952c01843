package dev.graft.data;

import java.util.PrimitiveIterator;
import java.util.function.Supplier;

/// Counts examples that are equal to an earlier one by 64-bit hashes, in a table of one size: many
/// hashes are gone through several times, a part of them each time.
///
/// Exact but for two different examples of one hash, whose chance among ten million is 3 in a
/// million.
final class Duplicates {
    /// Hashes that one pass may hold; the table has twice the room.
    private static final int PART = 1 << 20;

    private Duplicates() {}

    /// What tells an example from others: its tokens and which are trained.
    static long hash(Example example) {
        long hash = example.length();
        for (int i = 0; i < example.length(); i++) {
            long token = 2L * example.ids()[i] + (example.trained()[i] ? 1 : 0);
            hash = Shuffle.mix(hash + Shuffle.GOLDEN + token);
        }
        return hash;
    }

    /// @param count how many hashes there are
    /// @param hashes all of them, as often as asked for
    static int count(long count, Supplier<PrimitiveIterator.OfLong> hashes) {
        return count(count, hashes, PART);
    }

    static int count(long count, Supplier<PrimitiveIterator.OfLong> hashes, int part) {
        long passes = Math.ceilDiv(count, part);
        int duplicates = 0;
        for (long pass = 0; pass < passes; pass++) {
            var table = new long[2 * (int) Math.min(part, count) + 1024];
            var all = hashes.get();
            while (all.hasNext()) {
                long hash = all.nextLong();
                boolean mine = Math.unsignedMultiplyHigh(hash, passes) == pass;
                if (mine && !add(table, hash == 0 ? 1 : hash)) {
                    duplicates++;
                }
            }
        }
        return duplicates;
    }

    /// Whether the hash is new; 0 is an empty place.
    private static boolean add(long[] table, long hash) {
        int place = (int) Long.remainderUnsigned(Shuffle.mix(hash), table.length);
        while (table[place] != 0) {
            if (table[place] == hash) {
                return false;
            }
            place = place + 1 == table.length ? 0 : place + 1;
        }
        table[place] = hash;
        return true;
    }
}
