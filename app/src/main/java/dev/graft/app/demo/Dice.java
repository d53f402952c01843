package dev.graft.app.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/// Seeded choices; the same seed and stream give the same choices on every machine.
final class Dice {
    private final SplittableRandom random;

    Dice(long seed, long stream) {
        this.random = new SplittableRandom(mixed(mixed(seed) + stream));
    }

    /// Spreads neighbouring streams apart, by the finalizer of MurmurHash3.
    ///
    /// Seeds that differ by SplittableRandom's own step would give one sequence, only shifted.
    private static long mixed(long bits) {
        long half = (bits ^ (bits >>> 33)) * 0xFF51AFD7ED558CCDL;
        long most = (half ^ (half >>> 33)) * 0xC4CEB9FE1A85EC53L;
        return most ^ (most >>> 33);
    }

    /// An integer from `low` to `high`, both included.
    int between(int low, int high) {
        return random.nextInt(low, high + 1);
    }

    boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    <T> T pick(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    @SafeVarargs
    final <T> T of(T... choices) {
        return choices[random.nextInt(choices.length)];
    }

    <T> List<T> shuffled(List<T> items) {
        var copy = new ArrayList<>(items);
        for (int i = copy.size() - 1; i > 0; i--) {
            T swapped = copy.get(i);
            int j = random.nextInt(i + 1);
            copy.set(i, copy.get(j));
            copy.set(j, swapped);
        }
        return copy;
    }

    /// `count` different items in random order, or all of them where there are fewer.
    <T> List<T> some(List<T> items, int count) {
        return shuffled(items).subList(0, Math.min(count, items.size()));
    }
}
