package dev.graft.train;

import dev.graft.data.Batch;
import dev.graft.model.Transformer;
import dev.graft.nn.Tape;
import dev.graft.nn.Workspace;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.List;

/// The loss over examples that are not trained on.
public final class Evaluation {
    /// The result.
    ///
    /// @param loss mean over the trained tokens, in nats
    /// @param tokens that were predicted
    public record Result(double loss, long tokens) {
        /// e to the loss.
        public double perplexity() {
            return Math.exp(loss);
        }
    }

    private Evaluation() {}

    /// Evaluates the batches one after another.
    public static Result of(Transformer model, List<Batch> batches, Workspace workspace) {
        long tokens = 0;
        try (var _ = Scope.open("evaluation", model.device())) {
            Tensor sum = Tensor.zeros(DType.F64, 1);
            for (Batch batch : batches) {
                try (var _ = Scope.open("batch");
                        var tape = Tape.inference(workspace)) {
                    model.loss(
                            tape,
                            batch.ids(),
                            batch.positions(),
                            batch.offsets(),
                            batch.labels(),
                            1,
                            sum);
                    tokens += batch.trainedTokens();
                }
            }
            return new Result(tokens == 0 ? Double.NaN : sum.item() / tokens, tokens);
        }
    }
}
