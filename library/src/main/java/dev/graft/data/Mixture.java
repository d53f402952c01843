package dev.graft.data;

import dev.graft.error.ConfigException;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.RandomAccess;

/// Several data sets as one, each with a weight: how often its examples come in an epoch. A weight
/// of 2 takes each twice, one of 0.5 every second, chosen by the seed.
final class Mixture extends AbstractList<Example> implements RandomAccess, Measured {
    private static final int MOST = 100_000_000;

    private final List<Dataset> parts;
    private final int[][] chosen;
    private final int[] starts;

    private Mixture(List<Dataset> parts, int[][] chosen, int[] starts) {
        this.parts = parts;
        this.chosen = chosen;
        this.starts = starts;
    }

    static Dataset of(List<Dataset> parts, List<Double> weights, long seed) {
        int[][] chosen = new int[parts.size()][];
        int[] starts = new int[parts.size() + 1];
        for (int i = 0; i < chosen.length; i++) {
            chosen[i] = choose(parts.get(i).size(), weights.get(i), seed + i);
            starts[i + 1] = Math.addExact(starts[i], chosen[i].length);
        }
        var report = parts.stream().map(Dataset::report).reduce(DatasetReport::plus).orElseThrow();
        var inspection =
                parts.stream().map(Dataset::inspection).reduce(Inspection::plus).orElseThrow();
        return new Dataset(new Mixture(List.copyOf(parts), chosen, starts), report, inspection);
    }

    private static int[] choose(int size, double weight, long seed) {
        if (size == 0) {
            return new int[0];
        }
        double wanted = Math.rint(size * weight);
        if (wanted > MOST) {
            throw new ConfigException(
                    "dataset_weights: found %s for %,d examples, expected at most %,d of them in an epoch"
                            .formatted(weight, size, MOST));
        }
        int count = Math.max(1, (int) wanted);
        int[] order = Shuffle.permutation(size, seed, -2);
        int[] chosen = new int[count];
        for (int i = 0; i < count; i++) {
            chosen[i] = order[i % size];
        }
        Arrays.sort(chosen);
        return chosen;
    }

    private int part(int i) {
        int found = Arrays.binarySearch(starts, i);
        int part = found >= 0 ? found : -found - 2;
        while (starts[part + 1] <= i) {
            part++; // an empty one begins at the same place
        }
        return part;
    }

    @Override
    public int length(int i) {
        int part = part(i);
        return parts.get(part).length(chosen[part][i - starts[part]]);
    }

    @Override
    public int trained(int i) {
        int part = part(i);
        return parts.get(part).trained(chosen[part][i - starts[part]]);
    }

    @Override
    public Example get(int i) {
        int part = part(i);
        return parts.get(part).examples().get(chosen[part][i - starts[part]]);
    }

    @Override
    public int size() {
        return starts[parts.size()];
    }
}
