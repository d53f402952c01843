package dev.graft.plan;

import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout.Layer;
import dev.graft.nn.Tiles;

/// What one layer keeps for its backward pass and what lives besides while it runs backward, in
/// numbers a token: the arithmetic of `docs/activations.md`, for any choice of trained modules.
final class LayerActivations {
    private final long hidden; // H
    private final AttentionActivations attention;
    private final MlpActivations mlp;

    /// @param input whether the layer's input needs a gradient
    LayerActivations(
            ModelConfig config,
            Layer layer,
            TrainedMaps trained,
            boolean input,
            Computation computation) {
        this.hidden = config.hidden();
        this.attention = new AttentionActivations(config, layer, trained, input, computation);
        this.mlp =
                new MlpActivations(config, layer, trained, attention.needsGradient(), computation);
    }

    /// Whether the layer's output needs a gradient.
    boolean needsGradient() {
        return mlp.needsGradient();
    }

    /// What is kept of the attention block.
    long attention() {
        return attention.kept();
    }

    /// What is kept of the feed-forward block.
    long mlp() {
        return mlp.kept();
    }

    /// What is kept of a feed-forward block that is dropped.
    long droppedMlp() {
        return mlp.dropped();
    }

    /// The most that lives in the forward pass, what is kept included: a block's input and result
    /// and all between. In numbers of all tokens.
    ///
    /// @param kept whether anything is, or the layer is dropped
    long forward(Tiles tokens, boolean kept) {
        long input = kept && attention.keepsInput() ? 0 : hidden;
        long before = (kept ? attention.kept() : 0) + input + hidden;
        long inMlp =
                tokens.count() == 1
                        ? tokens.all() * (before + mlp.all())
                        : tokens.all() * (before + hidden) + tokens.size() * mlp.all();
        return Math.max(tokens.all() * (hidden + attention.all()), inMlp);
    }

    /// The same of a pass without gradients; the layer's input lives as long as the layer.
    long inference(Tiles tokens) {
        long inMlp =
                tokens.count() == 1
                        ? tokens.all() * (hidden + mlp.inference())
                        : tokens.all() * 3 * hidden + tokens.size() * mlp.inferenceOfTile();
        return Math.max(inMlp, tokens.all() * attention.inference());
    }

    // ---- the same two while attention runs, but for what it makes for itself on a card ----

    /// In numbers a token.
    long attendingForward() {
        return hidden + attention.attendingForward();
    }

    /// In numbers a token.
    long attendingInference() {
        return attention.attendingInference();
    }

    /// Whether attention goes backward.
    boolean attendsBackward() {
        return attention.goesBackward();
    }

    // ---- what lives besides what is kept in the backward pass, at the worst step ----

    /// Of a layer that was recorded, in numbers a token.
    long backward() {
        return Math.max(mlp.backward(), attention.backward(true) - mlp.kept());
    }

    /// Of a layer whose feed-forward block was dropped: that block, computed and recorded again,
    /// and going backward; or the attention. In numbers of all tokens.
    long backwardWithoutMlp(Tiles tokens) {
        return Math.max(
                backwardOfMlp(tokens), tokens.all() * (attention.backward(true) - mlp.dropped()));
    }

    // ---- the same while attention goes backward, but for what it makes for itself on a card ----

    /// Of a layer that was recorded, in numbers a token.
    long attending() {
        return attention.attending(true) - mlp.kept();
    }

    /// Of a layer whose feed-forward block was dropped, in numbers a token.
    long attendingWithoutMlp() {
        return attention.attending(true) - mlp.dropped();
    }

    /// Of a layer of which only the input was kept, in numbers a token.
    long attendingOfAll(Tiles tokens) {
        long recorded = attention.kept() - (attention.keepsInput() ? hidden : 0);
        long block = tokens.count() == 1 ? mlp.kept() + mlp.again() : mlp.dropped();
        return recorded + attention.again() + block + attention.attending(false);
    }

    /// A feed-forward block of which the input is there, and the gradient of its output comes.
    private long backwardOfMlp(Tiles tokens) {
        if (tokens.count() > 1) {
            return tokens.all() * hidden + tokens.size() * mlp.backwardOfTile();
        }
        long recorded = mlp.kept() - (mlp.keepsInput() ? hidden : 0);
        long going = recorded + mlp.again() + mlp.backwardOfHeld();
        long turn = mlp.allHeld() + hidden;
        return tokens.all() * Math.max(going, turn);
    }

    /// Of a layer of which only the input was kept: all of it, computed and recorded again. In
    /// numbers of all tokens.
    long backwardOfAll(Tiles tokens) {
        return tokens.count() == 1 ? tokens.all() * backwardOfAll() : backwardOfAttention(tokens);
    }

    private long backwardOfAll() {
        long recorded = attention.kept() + mlp.kept() - (attention.keepsInput() ? hidden : 0);
        long again = attention.again() + mlp.again();
        long steps = Math.max(mlp.backwardOfHeld(), attention.backward(false));
        // at the turn nothing has been freed
        long turn = attention.allHeld() + mlp.allHeld() + hidden;
        return Math.max(recorded + again + steps, turn);
    }

    /// The same where the feed-forward block goes by tiles, with its input and the attention there.
    private long backwardOfAttention(Tiles tokens) {
        long recorded = attention.kept() - (attention.keepsInput() ? hidden : 0);
        long there = recorded + attention.again() + mlp.dropped();
        long steps = Math.max(backwardOfMlp(tokens), tokens.all() * attention.backward(false));
        long turn = attention.allHeld() + hidden;
        return Math.max(tokens.all() * there + steps, tokens.all() * turn);
    }
}
