package dev.graft.plan;

import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout.Layer;

/// What one layer keeps for its backward pass and what lives besides while it runs backward, in
/// numbers a token: the arithmetic of `docs/activations.md`, for any choice of trained modules.
final class LayerActivations {
    private final long hidden; // H
    private final AttentionActivations attention;
    private final MlpActivations mlp;

    /// @param input whether the layer's input needs a gradient
    LayerActivations(ModelConfig config, Layer layer, TrainedMaps trained, boolean input) {
        this.hidden = config.hidden();
        this.attention = new AttentionActivations(config, layer, trained, input);
        this.mlp = new MlpActivations(config, layer, trained, attention.needsGradient());
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
    /// and all between.
    long forward() {
        long input = attention.keepsInput() ? 0 : hidden;
        long inMlp = attention.kept() + input + hidden + mlp.all();
        return Math.max(hidden + attention.all(), inMlp);
    }

    /// The same of a pass without gradients; the layer's input lives as long as the layer.
    long inference() {
        return Math.max(hidden + mlp.inference(), attention.inference());
    }

    // ---- what lives besides what is kept in the backward pass, at the worst step ----

    /// Of a layer that was recorded.
    long backward() {
        return Math.max(mlp.backward(), attention.backward(true) - mlp.kept());
    }

    /// Of a layer whose feed-forward block was dropped: that block, computed and recorded again,
    /// and going backward; or the attention.
    long backwardWithoutMlp() {
        long recorded = mlp.kept() - (mlp.keepsInput() ? hidden : 0);
        long going = recorded + mlp.again() + mlp.backwardOfHeld();
        long turn = mlp.allHeld() + hidden;
        return Math.max(Math.max(going, turn), attention.backward(true) - mlp.dropped());
    }

    /// Of a layer of which only the input was kept: all of it, computed and recorded again.
    long backwardOfAll() {
        long recorded = attention.kept() + mlp.kept() - (attention.keepsInput() ? hidden : 0);
        long again = attention.again() + mlp.again();
        long steps = Math.max(mlp.backwardOfHeld(), attention.backward(false));
        // at the turn nothing has been freed
        long turn = attention.allHeld() + mlp.allHeld() + hidden;
        return Math.max(recorded + again + steps, turn);
    }
}
