package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.nn.Workspace.Buffer;
import dev.graft.tensor.Tensor;

/// What the output of the head goes through before the softmax: z = cap · tanh(scale · y / cap), or
/// z = scale · y without a cap.
///
/// @param softCap bound of the logits, 0 for none
public record LogitMap(double scale, double softCap) {
    /// The logits are the output of the head.
    public static final LogitMap PLAIN = new LogitMap(1, 0);

    /// Applies the map in place.
    public void apply(Tensor logits) {
        if (softCap > 0) {
            Kernels.of(logits).softCap(logits, scale, softCap, null);
        } else if (scale != 1) {
            logits.mulInPlace(scale);
        }
    }

    /// The same, and returns what `backward` needs.
    Tensor apply(Tensor logits, Workspace workspace) {
        if (softCap == 0) {
            apply(logits);
            return null;
        }
        Tensor slopes = workspace.get(Buffer.LOGIT_SLOPES, logits.dtype(), logits.shape());
        Kernels.of(logits).softCap(logits, scale, softCap, slopes);
        return slopes;
    }

    /// Turns the gradient of z into that of y, in place.
    void backward(Tensor gradient, Tensor slopes) {
        if (slopes != null) {
            gradient.mulInPlace(slopes);
        } else if (scale != 1) {
            gradient.mulInPlace(scale);
        }
    }
}
