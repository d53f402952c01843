package dev.graft.generate;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// Chooses the next token from the logits.
public interface Sampler {
    /// The id of the next token.
    ///
    /// @param logits V numbers, may be changed
    int next(float[] logits);

    /// The likeliest token; the first of equals.
    static int argmax(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    /// Greedy at temperature 0, else temperature, then top-k, then top-p, as in Transformers.
    static Sampler of(GenerationOptions options) {
        if (options.temperature() == 0) {
            return Sampler::argmax;
        }
        RandomGenerator random =
                RandomGeneratorFactory.of("L64X128MixRandom").create(options.seed());
        return logits -> draw(logits, options, random);
    }

    private static int draw(float[] logits, GenerationOptions options, RandomGenerator random) {
        Integer[] order = new Integer[logits.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (a, b) -> Float.compare(logits[b], logits[a]));
        int kept = options.topK() == 0 ? order.length : Math.min(options.topK(), order.length);
        double[] weights = new double[kept];
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            double shifted = (logits[order[i]] - logits[order[0]]) / options.temperature();
            weights[i] = Math.exp(shifted);
            sum += weights[i];
        }
        double mass = 0;
        int count = 0;
        while (count < kept && mass < options.topP() * sum) {
            mass += weights[count++];
        }
        double at = random.nextDouble() * mass;
        for (int i = 0; i < count; i++) {
            at -= weights[i];
            if (at < 0) {
                return order[i];
            }
        }
        return order[count - 1];
    }
}
