package dev.graft.nn;

import dev.graft.tensor.Tensor;
import java.util.Arrays;

/// Which experts a token goes to and how much each counts: the k greatest of softmax(logits),
/// divided by their sum where they are normalized (Shazeer et al. 2017; Jiang et al. 2024).
///
/// With dw the gradient by the weights and δ = Σ w ⊙ dw over a token's experts: dlogits = w ⊙
/// (dw − δ) at its experts where they are normalized; else the same, and −p · δ at the
/// others, p being the softmax.
final class Routing {
    private final int experts;
    private final int perToken;
    private final boolean normalized;
    private final double[] probabilities; // [T, E], where they are not normalized
    private final int[] chosen; // [T, k]
    private final double[] weights; // [T, k]
    private final double[] gradient; // [T, k]

    private Routing(int tokens, int experts, int perToken, boolean normalized) {
        this.experts = experts;
        this.perToken = perToken;
        this.normalized = normalized;
        this.probabilities = normalized ? null : new double[tokens * experts];
        this.chosen = new int[tokens * perToken];
        this.weights = new double[tokens * perToken];
        this.gradient = new double[tokens * perToken];
    }

    /// @param logits [T, E]
    /// @param perToken k
    static Routing of(Tensor logits, int perToken, boolean normalized) {
        int tokens = Math.toIntExact(logits.size(0));
        int experts = Math.toIntExact(logits.size(1));
        var routing = new Routing(tokens, experts, perToken, normalized);
        double[] values = logits.toDoubles();
        for (int t = 0; t < tokens; t++) {
            routing.choose(t, Arrays.copyOfRange(values, t * experts, (t + 1) * experts));
        }
        return routing;
    }

    private void choose(int token, double[] logits) {
        double max = Arrays.stream(logits).max().orElseThrow();
        double[] p = Arrays.stream(logits).map(x -> Math.exp(x - max)).toArray();
        double total = Arrays.stream(p).sum();
        double sum = 0;
        for (int j = 0; j < perToken; j++) {
            int best = -1;
            for (int e = 0; e < experts; e++) {
                if (!isChosen(token, j, e) && (best < 0 || p[e] > p[best])) {
                    best = e;
                }
            }
            chosen[token * perToken + j] = best;
            sum += p[best];
        }
        for (int j = token * perToken; j < (token + 1) * perToken; j++) {
            weights[j] = p[chosen[j]] / (normalized ? sum : total);
        }
        if (!normalized) {
            for (int e = 0; e < experts; e++) {
                probabilities[token * experts + e] = p[e] / total;
            }
        }
    }

    private boolean isChosen(int token, int count, int expert) {
        for (int j = token * perToken; j < token * perToken + count; j++) {
            if (chosen[j] == expert) {
                return true;
            }
        }
        return false;
    }

    /// The places in [T, k] that go to an expert.
    int[] places(int expert) {
        int count = 0;
        for (int c : chosen) {
            count += c == expert ? 1 : 0;
        }
        int[] places = new int[count];
        int at = 0;
        for (int i = 0; i < chosen.length; i++) {
            if (chosen[i] == expert) {
                places[at++] = i;
            }
        }
        return places;
    }

    /// The tokens of places.
    int[] tokens(int[] places) {
        return Arrays.stream(places).map(i -> i / perToken).toArray();
    }

    /// The weights of places. [n, 1]
    Tensor weights(int[] places) {
        double[] values = new double[places.length];
        for (int i = 0; i < places.length; i++) {
            values[i] = weights[places[i]];
        }
        return Tensor.of(values, places.length, 1);
    }

    /// Takes the gradient by the weights of places. [n]
    void give(int[] places, Tensor dWeights) {
        double[] values = dWeights.toDoubles();
        for (int i = 0; i < places.length; i++) {
            gradient[places[i]] += values[i];
        }
    }

    /// The gradient by the logits. [T, E]
    Tensor backward() {
        int tokens = chosen.length / perToken;
        double[] result = new double[tokens * experts];
        for (int t = 0; t < tokens; t++) {
            double delta = 0;
            for (int j = t * perToken; j < (t + 1) * perToken; j++) {
                delta += weights[j] * gradient[j];
            }
            if (!normalized) {
                for (int e = t * experts; e < (t + 1) * experts; e++) {
                    result[e] = -probabilities[e] * delta;
                }
            }
            for (int j = t * perToken; j < (t + 1) * perToken; j++) {
                result[t * experts + chosen[j]] = weights[j] * (gradient[j] - delta);
            }
        }
        return Tensor.of(result, tokens, experts);
    }
}
