package dev.graft.nn;

import dev.graft.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// Which experts a token goes to and how much each counts: the k greatest of
/// softmax(logits), divided by their sum where they are normalized (Shazeer et al. 2017;
/// Jiang et al. 2024).
///
/// A token has k places, in [T, k]; an expert's are those where it was chosen. All of that stays on
/// the device; the host learns how many places each expert has.
///
/// With dw the gradient by the weights and δ = Σ w ⊙ dw over a token's experts: dlogits = w
/// ⊙ (dw − δ) at its experts where they are normalized; else the same, and −p · δ at the
/// others, p being the softmax.
final class Routing {
    private final long experts; // E
    private final Tensor probabilities; // [T, E], null where the weights are normalized
    private final Tensor chosen; // [T, k] I64
    private final Tensor weights; // [T, k]
    private final Tensor gradient; // [T·k], that of the weights; null where none is wanted
    private final Tensor places; // [T·k] I64, by experts
    private final Tensor tokens; // [T·k] I64, of the places
    private final int[] starts; // of each expert's places, and T·k

    /// @param logits [T, E]
    /// @param perToken k
    /// @param trains whether the gradient by the logits will be asked for
    Routing(Tensor logits, int perToken, boolean normalized, boolean trains) {
        long count = logits.size(0) * perToken;
        experts = logits.size(1);
        Tensor all = logits.to(logits.dtype().sums()).softmax(1);
        probabilities = normalized ? null : all;
        // of equals the first, as the peers have it
        chosen = all.argsort(1, true).narrow(1, 0, perToken).contiguous();
        Tensor own = all.gather(1, chosen);
        weights = normalized ? own.div(own.sum(1, true)) : own;
        gradient = trains ? Tensor.zeros(weights.dtype(), count) : null;
        Tensor byToken = chosen.view(count);
        places = byToken.argsort(0, false);
        tokens = places.floorDivide(perToken);
        long[] numbers = LongStream.rangeClosed(0, experts).toArray();
        Tensor sorted = byToken.indexSelect(0, places);
        starts = Tensor.of(numbers, numbers.length).bucketize(sorted).toInts();
    }

    /// What the backward pass reads.
    List<Tensor> kept() {
        return Stream.of(probabilities, chosen, weights, gradient, places, tokens)
                .filter(Objects::nonNull)
                .toList();
    }

    /// Places of an expert.
    int count(int expert) {
        return starts[expert + 1] - starts[expert];
    }

    private Tensor part(Tensor byExperts, int expert) {
        return byExperts.narrow(0, starts[expert], count(expert));
    }

    /// The tokens of an expert: I64, as many as it has places.
    Tensor tokens(int expert) {
        return part(tokens, expert);
    }

    /// The weights of an expert's places. [n, 1]
    Tensor weights(int expert) {
        Tensor flat = weights.view(weights.numel());
        return flat.indexSelect(0, part(places, expert)).unsqueeze(1);
    }

    /// Takes the gradient by the weights of an expert's places.
    void give(int expert, Tensor dWeights) {
        gradient.indexCopyInPlace(0, part(places, expert), dWeights.to(gradient.dtype()));
    }

    /// The gradient by the logits. [T, E]
    Tensor backward() {
        Tensor dWeights = gradient.view(weights.shape());
        Tensor weighed = weights.mul(dWeights);
        Tensor delta = weighed.sum(1, true); // [T, 1]
        if (probabilities == null) {
            Tensor dLogits = Tensor.zeros(weights.dtype(), weights.size(0), experts);
            Tensor own = weights.mul(dWeights.sub(delta));
            return dLogits.scatterAddInPlace(1, chosen, own);
        }
        return probabilities.mul(delta).mulInPlace(-1).scatterAddInPlace(1, chosen, weighed);
    }
}
