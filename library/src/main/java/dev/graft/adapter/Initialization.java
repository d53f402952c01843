package dev.graft.adapter;

import dev.graft.tensor.Tensor;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// How A and B begin: a function of the seed and the module's path alone, whatever else is adapted.
record Initialization(LoraConfig.Init init, long seed, String path) {

    /// [r, in]
    Tensor a(int rank, int in) {
        float[] values = new float[rank * in];
        RandomGenerator random = random("A");
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    switch (init) {
                        case TRUE, FALSE -> uniform(random, in);
                        case GAUSSIAN -> (float) (random.nextGaussian() / rank);
                    };
        }
        return Tensor.of(values, rank, in);
    }

    /// [out, r]
    Tensor b(int out, int rank) {
        float[] values = new float[out * rank];
        if (init == LoraConfig.Init.FALSE) {
            RandomGenerator random = random("B");
            for (int i = 0; i < values.length; i++) {
                values[i] = uniform(random, rank);
            }
        }
        return Tensor.of(values, out, rank);
    }

    /// U(−1/√n, 1/√n), what PyTorch's kaiming_uniform with a = √5 comes to.
    private static float uniform(RandomGenerator random, int fanIn) {
        return (float) ((2 * random.nextDouble() - 1) / Math.sqrt(fanIn));
    }

    private RandomGenerator random(String matrix) {
        long mixed = seed * 0x9E3779B97F4A7C15L + (path + matrix).hashCode() * 0xBF58476D1CE4E5B9L;
        return RandomGeneratorFactory.of("L64X128MixRandom").create(mixed);
    }
}
